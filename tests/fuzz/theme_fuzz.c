/* Any bytes as a theme: read whole or refused with a sentence, and nothing changed then. */
#include "tui/theme.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct theme theme, before;
    if (length > 65536) return 0;
    theme_default(&theme);
    before = theme;
    if (theme_parse(&theme, (const char *)bytes, length, "x") == LT_OK) return 0;
    if (memcmp(&theme, &before, sizeof theme) != 0 || !lt_message()[0]) abort();
    return 0;
}
