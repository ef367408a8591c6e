/* What tests of the screen share: a synthetic run, a copy of the folder it lies in, pictures as text and as files to
 * compare with. Thread: the test's. */
#pragma once

#include "data/base/text.h"
#include "tui/app.h"

/* Fills an app's feed with a run of 700 steps: curves with a spike and NaN, events, a status. */
void sample_fill(struct app *app);

/* A screen of that size with the run in it, and its end. */
void sample_open(struct app *app, struct canvas *canvas, int width, int height);
void sample_close(struct app *app, struct canvas *canvas);

/* Presses keys, each on the picture that the one before has left; draws the last one. */
void sample_type(struct app *app, struct canvas *canvas, const char *keys);

/* Frames of the wire into an app's feed; `frames` is released. */
void sample_put(struct app *app, struct text *frames);

/* Group fixtures: enter a fresh folder with a copy of tests/tui/run in it, which some keys write to; remove it. */
int sample_enter(void **state);
int sample_leave(void **state);

/* Appends a code point as UTF-8. */
void sample_add_code(struct text *out, uint32_t code);

/* Appends the characters of a canvas, then the theme slot of each cell as a letter, a line for each row. */
void sample_print(struct text *out, const struct canvas *canvas);

/* Fails when `drawn` is not what tests/tui/expected/`name` holds; with LATHE_UPDATE in the environment stores it first:
 * look at the difference. */
void sample_compare(const struct text *drawn, const char *name);
