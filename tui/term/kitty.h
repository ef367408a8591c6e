/* Pictures in pixels, by kitty's graphics protocol (https://sw.kovidgoyal.net/kitty/graphics-protocol/), for terminals
 * that answer that they have it. Each picture is sent once, in pieces, and none while output is on its way. Of tui/term
 * only. Thread: the screen's. */
#pragma once

#include "tui/draw/canvas.h"

#include <stdbool.h>

/* Asks the terminal, the first time, unless something stands between (tmux, screen) or it is too old to be asked. */
void kitty_ask(void);

/* Is an answer still to come? */
bool kitty_waits(void);

/* The bytes of an answer behind its Esc; false: it is over, or none after all. */
bool kitty_hear(char byte);

bool kitty_is_there(void);

/* What is to be seen from now on: lent until the next call. `anew`: the screen was cleared. */
void kitty_show(const struct canvas *canvas, bool anew);

/* Sends the next piece, unless output is on its way. True: there is more to send. */
bool kitty_pump(void);

/* Takes all pictures away, out of the terminal's memory too. */
void kitty_close(void);
