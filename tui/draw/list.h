/* Where a list stands on a screen that shows some rows of it: the chosen row and the first one shown. A list that
 * follows keeps its end in view. Thread: the screen's. Zero-initialised is at the start. */
#pragma once

#include <stdbool.h>

struct list {
    int chosen, top;
    bool away; /* of a list that follows: somebody moved, so it does not */
};

/* Moves by a key (arrows, j k, pages, Home, End); false: another key. */
bool list_key(struct list *self, int key, int count, int rows);

/* Brings both into `count` rows of which `rows` are shown; a list that follows goes to its end. */
void list_settle(struct list *self, int count, int rows, bool follows);
