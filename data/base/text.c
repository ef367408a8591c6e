#include "data/base/text.h"

#include "data/base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(struct text *self, size_t more)
{
    if (self->length + more + 1 <= self->capacity) return;
    self->capacity = (self->length + more + 1) * 2;
    self->bytes = memory_resize(self->bytes, self->capacity, 1);
}

void text_add(struct text *self, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length > 0) {
        reserve(self, (size_t)length);
        vsnprintf(self->bytes + self->length, (size_t)length + 1, format, again);
        self->length += (size_t)length;
    }
    va_end(again);
}

void text_add_bytes(struct text *self, const void *bytes, size_t length)
{
    if (!length) return;
    reserve(self, length);
    memcpy(self->bytes + self->length, bytes, length);
    self->length += length;
    self->bytes[self->length] = 0;
}

void text_clear(struct text *self)
{
    self->length = 0;
    if (self->bytes) self->bytes[0] = 0;
}

void text_release(struct text *self)
{
    free(self->bytes);
    *self = (struct text){0};
}

const char *text_get(const struct text *self)
{
    return self->bytes ? self->bytes : "";
}

char *text_detach(struct text *self)
{
    char *bytes = self->bytes ? self->bytes : memory_text("");
    *self = (struct text){0};
    return bytes;
}
