/* The flags that commands with a screen share, and what they come to with the settings file. Thread: one. */
#pragma once

#include "tui/commands/arguments.h"
#include "tui/preferences.h"

enum { LOOK_THEME, LOOK_COLOR, LOOK_GLYPHS, LOOK_NO_MOUSE, LOOK_FLAGS };

/* Rows of a flag table, from row `at` on; the enum of the table leaves LOOK_FLAGS places. */
#define LOOK_FLAG_ROWS(at)                                                                                             \
    [(at) +                                                                                                            \
        LOOK_THEME] = {"--theme", "NAME|FILE", "colours of the screen: dark, light, …; an unknown name lists all"},    \
        [(at) + LOOK_COLOR] = {"--color", "WHEN", "auto, never, 8, 16, 256 or 24bit"},                                 \
        [(at) + LOOK_GLYPHS] = {"--glyphs", "SET", "auto, braille, blocks or ascii"},                                  \
        [(at) + LOOK_NO_MOUSE] = {"--no-mouse", NULL, "leaves the mouse to the terminal"}

/* The settings file, then the flags on top. A damaged settings file is told on stderr and no error; a flag that cannot
 * be is LT_EUSAGE or LT_ENOTFOUND. */
enum lt_err look_read(struct preferences *look, const struct arguments *arguments, int at) LT_MUST_CHECK;
