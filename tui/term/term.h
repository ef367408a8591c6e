/* The terminal: the only place that knows curses. Canvas in, keys out; colours and glyphs by what the terminal can;
 * always restored, after a crash too. Thread: the screen's; one at a time. */
#pragma once

#include "data/base/err.h"
#include "tui/draw/canvas.h"

#include <stdbool.h>

struct term_options {
    const char *color;  /* auto (NULL), never, 8, 16, 256, 24bit */
    const char *glyphs; /* auto (NULL), braille, blocks, ascii */
    bool mouse;         /* take the mouse from the terminal; with Shift it still selects */
};

/* Can there be a screen at all? If not, *why says it in words (lent). */
bool term_possible(const char **why);

/* Opens the screen. Options that cannot be are LT_EUSAGE. */
enum lt_err term_open(const struct term_options *options, const struct theme *theme) LT_MUST_CHECK;
void term_close(void);

/* Changes options and theme of an open screen; everything has to be drawn anew. Options that cannot be are LT_EUSAGE,
 * and nothing is changed. */
enum lt_err term_set_look(const struct term_options *options, const struct theme *theme) LT_MUST_CHECK;

/* Tells a canvas what glyphs and colours there are. */
void term_prepare(struct canvas *canvas);

void term_size(int *width, int *height);

/* Brings the screen to the canvas; curses sends what changed. `all` repaints everything. Returns how many bytes that
 * took, 0 where the system does not count them. */
int64_t term_draw(const struct canvas *canvas, bool all);

/* Is output still on its way? Then a frame is skipped. */
bool term_is_busy(void);

/* Sends a piece of the pictures of the canvas drawn last, which is lent until the next one, to a terminal that shows
 * pixels. True: there is more to send, soon. */
bool term_send_pictures(void);

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
    TERM_MOUSE, /* term_mouse tells */
    TERM_RESIZE,
    TERM_PIXELS, /* the terminal said that it can show pictures in pixels: term_prepare, and draw again */
    TERM_HANGUP
};

/* The next key without waiting, TERM_NONE when there is none, TERM_HANGUP when the terminal is gone. */
int term_key(void);

enum term_mouse_kind {
    TERM_MOUSE_PRESS,
    TERM_MOUSE_DRAG, /* moved while a button is down */
    TERM_MOUSE_RELEASE,
    TERM_MOUSE_WHEEL_UP,
    TERM_MOUSE_WHEEL_DOWN
};

struct term_mouse {
    int x, y; /* the cell */
    enum term_mouse_kind kind;
    int button; /* 1 left, 2 middle, 3 right; 0 for the wheel and drags */
    bool control, alt;
};

/* What the mouse did when term_key gave TERM_MOUSE last. */
struct term_mouse term_mouse(void);

/* Asks the terminal to put text into its clipboard (OSC 52), which also works from afar. False when it is one that
 * cannot, or the text is too long; true when it was asked, as none answers: write a file too. */
bool term_copy(const char *text);

/* Names the terminal's window or pane, where terminfo says how; the name goes with the screen. */
void term_title(const char *title);

/* The descriptor to poll for keys, and one that becomes readable on a signal (size, hang-up). */
int term_fd(void);
int term_signal_fd(void);

/* Gives the terminal back to the shell until the process is continued (Ctrl-Z). */
void term_suspend(void);
