/* Bytes as text of 64 characters (RFC 4648, padded), and back. Thread: any. */
#pragma once

#include "data/base/text.h"

#include <stdbool.h>
#include <stdint.h>

void base64_add(struct text *out, const void *bytes, size_t length);

/* Fills exactly `length` bytes from `text`; false when it is not the text of that many. */
bool base64_read(uint8_t *bytes, size_t length, const char *text);
