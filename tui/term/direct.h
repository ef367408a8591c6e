/* 24-bit colours for terminals whose terminfo entry hides them. Most terminals of today can, say so in COLORTERM only,
 * and are described by an entry of 256 colours. Of tui/term only. Thread: the screen's. */
#pragma once

#include "data/base/text.h"

#include <curses.h>

/* Opens the terminal as newterm does, with 24 bits where `color` (as --color has it, NULL is auto) and the terminal
 * allow; NULL when it cannot be opened. */
SCREEN *direct_open(const char *color);

/* Appends the compiled entry (term(5), numbers of 32 bits) named `name` that describes the terminal of the last
 * setupterm, but with 24-bit colours. */
void direct_describe(struct text *out, const char *name);

/* How many of the numbers that the open terminal of 24 bits takes for colours mean those of its palette instead. */
int direct_palette(void);
