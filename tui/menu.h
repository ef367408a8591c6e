/* What lies over the view: the help, made from actions.def, and the quit menu. Thread: the screen's. */
#pragma once

#include "tui/app.h"

enum quit_choice { QUIT_DETACH, QUIT_SAVE_AND_STOP, QUIT_STOP, QUIT_STAY, QUIT_CHOICES };

/* An empty box in the middle of the screen, with a title; returns its inside. */
struct rect menu_box(struct canvas *canvas, int width, int height, const char *title);

void menu_draw(const struct app *app, struct canvas *canvas);

/* What the learning rate is to be multiplied by, while that menu is open. */
double menu_rate_factor(const struct app *app);

/* A key that scrolls the help; false: another one. */
bool menu_help_key(struct app *app, int key);

/* A key while the quit menu is open; returns what was chosen, -1 when nothing yet. */
int menu_quit_key(struct app *app, int key);
