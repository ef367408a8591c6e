/* What lies over the view: the help, made from actions.def, and menus. Thread: the screen's. */
#pragma once

#include "tui/app.h"

/* Of the quit menu, and of the one that opens when the run is gone. */
enum menu_choice {
    QUIT_DETACH,
    QUIT_SAVE_AND_STOP,
    QUIT_STOP,
    QUIT_STAY,
    GONE_OPEN_LOG,
    GONE_LEAVE,
    GONE_STAY,
    MENU_CHOICES
};

/* An empty box in the middle of the screen, with a title; returns its inside. */
struct rect menu_box(struct canvas *canvas, int width, int height, const char *title);

void menu_draw(const struct app *app, struct canvas *canvas);

/* What the learning rate is to be multiplied by, while that menu is open. */
double menu_rate_factor(const struct app *app);

/* A key that scrolls the help; false: another one. */
bool menu_help_key(struct app *app, int key);

/* A key while one of those menus may be open; MENU_CHOICES: nothing was chosen. */
enum menu_choice menu_choice_key(struct app *app, int key);
