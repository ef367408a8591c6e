/* The ladder of colours: none, 8, 16, 256, 24 bits; what curses needs to draw a slot on each rung. Of tui/term only.
 * Thread: the screen's. */
#pragma once

#include "data/base/err.h"
#include "tui/draw/canvas.h"

#include <curses.h>

/* How many colours to use (0, 8, 16, 256 or PALETTE_DIRECT): `wanted` as --color has it (NULL is auto), and never more
 * than the terminal has. Curses is open. */
enum lt_err colors_choose(int *colors, const char *wanted) LT_MUST_CHECK;

/* Gives every slot its attributes and colours, and the screen its ground. Without colours the theme mono speaks, so
 * that what colour said is said by weight. */
void colors_make(const struct theme *theme, int colors);

attr_t colors_attribute(enum theme_slot slot);
short colors_pair(enum theme_slot slot);

/* The pair of a picture's two pixels in the cell (x, y), for an upper half block; *lower: for a lower one. Made when it
 * is first asked for. */
int colors_pair_of(const struct cell *cell, int x, int y, bool *lower);

/* Too few for heat: its cells tell by their shape. */
bool colors_are_few(void);

/* None, or so few pairs of them at a time that pictures cannot be drawn with them. */
bool colors_are_none(void);
