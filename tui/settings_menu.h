/* The settings page (F2): every row of preferences.def with its choices, seen at once, kept when the page is closed.
 * Thread: the screen's. */
#pragma once

#include "tui/app.h"

void settings_draw(const struct app *app, struct canvas *canvas);

/* A key while the page is open. */
void settings_key(struct app *app, int key);
