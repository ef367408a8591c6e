/* Text that comes from a run or a file is not trusted: it could steer a terminal. Thread: any. */
#pragma once

#include "data/base/text.h"

/* Appends text with '?' for what is no printable UTF-8, line ends too. */
void clean_add(struct text *out, const char *text);
