/* The bundled demo set: 1797 handwritten digits on one sheet inside the binary, written out as an image folder of PNGs
 * (0/0001.png …), and the configuration that trains on it. What is written is the same on every machine.
 * Thread: any. */
#pragma once

#include "data/base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { DIGITS_PICTURES = 1797 };

/* Writes the pictures into `folder`. All appear at once or none does: they are written beside it, then renamed. A
 * folder that is there already is left as it is (*written = false). */
enum lt_err digits_unpack(const char *folder, bool *written) LT_MUST_CHECK;

/* Lends the text of digits.yaml, `length` bytes without a NUL. */
const char *digits_configuration(size_t *length);
