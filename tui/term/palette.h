/* A theme's colours in what a terminal has: 8, 16, 256 or 2^24 colours. Pure; no terminal here. Thread: any. */
#pragma once

#include "tui/theme.h"

enum {
    PALETTE_SMALL = 8, /* colours whose looks are the terminal's own business */
    PALETTE_SIZE = 256,
    PALETTE_DIRECT = 1 << 24 /* colours of a terminal that takes 24 bits */
};

/* In place of a background's number. */
enum {
    PALETTE_DARK = -1, /* the terminal's own, taken as dark */
    PALETTE_NONE = -2  /* the colour itself is to be a background */
};

/* The number of the colour nearest to `color` among the first `colors` of xterm's palette. With 8 and 16 it goes by
 * hue, as their exact colours are the terminal's business, and never takes `background` (a number or one of the
 * above). With PALETTE_DIRECT it is 0xrrggbb. */
int palette_nearest(struct theme_color color, int colors, int background);

/* The number of the colour that a picture's pixel at (x, y) gets where there are 8 or 16: near to it, and on the
 * average of the pixels around it right (ordered dither). */
int palette_dither(struct theme_color color, int colors, int x, int y);

/* The colour that a number of xterm's palette of 256 has by default. */
struct theme_color palette_color(int index);
