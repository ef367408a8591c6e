/* What curses has no words for: clipboard, title, frames that appear at once. Of tui/term only. Thread: the screen's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The console of Linux, a VT100 or the like: a terminal without a window around it, which has few characters and may
 * print what it does not know. */
bool escapes_is_console(void);

/* Bytes past curses, which has sent all it had when it is not drawing. */
void escapes_send(const char *bytes, size_t length);

/* The title comes and goes with the screen, when it is suspended too. */
void escapes_open(void);
void escapes_close(void);

/* Curses asks the terminal for clicks only; this asks for what moves while a button is down, too (mode 1002). */
void escapes_take_drags(bool take);

/* Around a frame: terminals that can show it at once (DEC private mode 2026). */
void escapes_begin_frame(void);
void escapes_end_frame(void);
