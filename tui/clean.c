#include "tui/clean.h"

#include <stdbool.h>
#include <utf8proc.h>

void clean_add(struct text *out, const char *text)
{
    while (*text) {
        utf8proc_int32_t code;
        utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)text, -1, &code);
        bool bad = used <= 0 || code < 32 || (code >= 127 && code < 160);
        if (bad)
            text_add(out, "?");
        else
            text_add_bytes(out, text, (size_t)used);
        text += used > 0 ? used : 1;
    }
}
