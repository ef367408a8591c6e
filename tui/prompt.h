/* A line that a person types in a box over the view, with what could stand there offered below it: a command to the run
 * (:), or the settings of a branch. Enter obeys or says what is wrong and lets the text be mended; Esc closes. Thread:
 * the screen's. Zero-initialised is releasable. */
#pragma once

#include "data/base/text.h"
#include "tui/draw/canvas.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct app;

struct prompt_offer {
    char *word;         /* "set max_epochs=", "optimizer.lr=" */
    char *value, *help; /* what it is now; what it means */
};

struct prompt {
    char text[256]; /* typed so far */
    char title[128];
    char wrong[256]; /* why Enter did not do it; or what is going on */
    struct prompt_offer *offer;
    size_t offers, capacity;
    bool one_word; /* an offer stands for the whole line; else for the word behind the last space */
    void (*enter)(struct app *app);

    char *checkpoint; /* of a branch: its path */
    pid_t starting;   /* the process that starts the branch; 0: none */
    int output;       /* what it says */
    struct text said;
};

/* Opens the box. */
void prompt_command(struct app *app);
void prompt_branch(struct app *app, const char *checkpoint);

/* For them: an empty prompt; `title` is copied. One more offer; texts are copied. */
struct prompt *prompt_open(struct app *app, const char *title, void (*enter)(struct app *app));
void prompt_offer(struct prompt *self, const char *word, const char *value, const char *help);

void prompt_key(struct app *app, int key);
void prompt_draw(const struct app *app, struct canvas *canvas);

/* Looks after a branch that is being started; true: something changed. */
bool prompt_tick(struct app *app);
void prompt_release(struct prompt *self);
