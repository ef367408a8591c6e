/* Keys, the mouse and signals by curses. Of tui/term only. Thread: the screen's. */
#pragma once

#include "data/base/err.h"

#include <stdbool.h>

/* Signals wake whoever polls term_signal_fd; those that kill restore the terminal first. */
enum lt_err keys_watch(void) LT_MUST_CHECK;

/* Takes the mouse from the terminal, or gives it back. Curses gives it back by itself while the screen is closed. */
void keys_take_mouse(bool take);

/* Tells curses the terminal's size of now. */
void keys_take_size(void);
