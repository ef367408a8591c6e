/* Where a list stands on a screen that shows some rows of it: the chosen row and the first one shown. A list that
 * follows keeps its end in view. Thread: the screen's. Zero-initialised is at the start. */
#pragma once

#include "tui/draw/canvas.h"

#include <stdbool.h>

struct list {
    int chosen, top;
    bool away; /* of a list that follows: somebody moved, so it does not */
};

/* Moves by a key (arrows, j k, pages, Home, End); false: another key. */
bool list_key(struct list *self, int key, int count, int rows);

/* Goes to a row, which is there. */
void list_choose(struct list *self, int at);

/* A row's place on the screen: shows whether it is the chosen one (in the row's first column), and is chosen by a
 * click.
 */
void list_mark(struct list *self, struct canvas *canvas, struct rect row, int at);

/* Brings both into `count` rows of which `rows` are shown; a list that follows goes to its end. */
void list_settle(struct list *self, int count, int rows, bool follows);

/* By which column a table is sorted. */
struct sorting {
    int column;
    bool inverted;
};

/* The column `by` further, of `columns`. */
void sorting_move(struct sorting *self, int by, int columns);

/* A column's title, bright where the table is sorted by it; sorted by a click. */
void sorting_title(struct sorting *self, struct canvas *canvas, struct rect place, int column, const char *title);
