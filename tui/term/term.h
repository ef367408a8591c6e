/* The terminal: the only place that knows curses. Canvas in, keys out; colours and glyphs by what the terminal can;
 * always restored, after a crash too. Thread: the screen's; one at a time. */
#pragma once

#include "data/base/err.h"
#include "tui/draw/canvas.h"

#include <stdbool.h>

struct term_options {
    const char *color;  /* auto (NULL), never, 8, 16, 256 */
    const char *glyphs; /* auto (NULL), braille, ascii */
};

/* Can there be a screen at all? If not, *why says it in words (lent). */
bool term_possible(const char **why);

/* Opens the screen. Options that cannot be are LT_EUSAGE. */
enum lt_err term_open(const struct term_options *options, const struct theme *theme) LT_MUST_CHECK;
void term_close(void);

/* True when glyphs above ASCII may be used. */
bool term_has_glyphs(void);
void term_size(int *width, int *height);

/* Brings the screen to the canvas; curses sends what changed. `all` repaints everything. */
void term_draw(const struct canvas *canvas, bool all);

/* Is output still on its way? Then a frame is skipped. */
bool term_is_busy(void);

/* Keys: characters are themselves (Unicode); others are these. */
enum term_key {
    TERM_NONE = -1,
    TERM_UP = 0x200000,
    TERM_DOWN,
    TERM_LEFT,
    TERM_RIGHT,
    TERM_PAGE_UP,
    TERM_PAGE_DOWN,
    TERM_HOME,
    TERM_END,
    TERM_BACK_TAB,
    TERM_BACKSPACE,
    TERM_F1,
    TERM_F2,
    TERM_F10,
    TERM_RESIZE,
    TERM_HANGUP
};

/* The next key without waiting, TERM_NONE when there is none, TERM_HANGUP when the terminal is gone. */
int term_key(void);

/* The descriptor to poll for keys, and one that becomes readable on a signal (size, hang-up). */
int term_fd(void);
int term_signal_fd(void);

/* Gives the terminal back to the shell until the process is continued (Ctrl-Z). */
void term_suspend(void);
