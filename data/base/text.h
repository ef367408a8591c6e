/* A growing string. Zero-initialised is empty and releasable. Thread: one at a time. */
#pragma once

#include "data/base/err.h"

#include <stddef.h>

struct text {
    char *bytes; /* always ends in NUL once anything was added; NULL while empty */
    size_t length;
    size_t capacity;
};

void text_add(struct text *self, const char *format, ...) LT_PRINTF(2, 3);
void text_add_bytes(struct text *self, const void *bytes, size_t length);
void text_clear(struct text *self);
void text_release(struct text *self);

/* Lends the string, "" when empty. */
const char *text_get(const struct text *self);

/* Returns the string (caller frees) and leaves self empty. */
char *text_detach(struct text *self);
