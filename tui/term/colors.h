/* The ladder of colours: none, 8, 16, 256, 24 bits; what curses needs to draw a slot on each rung. Of tui/term only.
 * Thread: the screen's. */
#pragma once

#include "data/base/err.h"
#include "tui/theme.h"

#include <curses.h>

/* How many colours to use (0, 8, 16, 256 or PALETTE_DIRECT): `wanted` as --color has it (NULL is auto), and never more
 * than the terminal has. Curses is open. */
enum lt_err colors_choose(int *colors, const char *wanted) LT_MUST_CHECK;

/* Gives every slot its attributes and colours, and the screen its ground. Without colours the theme mono speaks, so
 * that what colour said is said by weight. */
void colors_make(const struct theme *theme, int colors);

attr_t colors_attribute(enum theme_slot slot);
short colors_pair(enum theme_slot slot);

/* The pair of a picture's two pixels in a cell; made when it is first asked for. */
int colors_pair_of(const uint8_t top[3], const uint8_t under[3]);

/* Too few for heat and pictures: their cells tell by their shape. */
bool colors_are_few(void);
