/* Any text as a configuration: it is read or refused, and what was read is written so that it reads back the same. */
#include "data/base/memory.h"
#include "data/base/setting.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char *input = memory_new(length + 1, 1);
    memcpy(input, bytes, length);
    struct setting *first = NULL, *second = NULL;
    if (setting_parse(&first, input, "fuzz") == LT_OK) {
        struct text once = {0}, twice = {0};
        setting_write(&once, first);
        if (setting_parse(&second, text_get(&once), "written") != LT_OK) abort();
        setting_write(&twice, second);
        if (strcmp(text_get(&once), text_get(&twice)) != 0) abort();
        text_release(&once);
        text_release(&twice);
    }
    setting_free(first);
    setting_free(second);
    free(input);
    return 0;
}
