/* What the Data view shows, one at a time: rows out of the run's documents or events, which can be sorted and narrowed.
 * Adding one is one file and one row of shows.def. Documents are files: anything may be in them. Thread: the screen's.
 */
#pragma once

#include "data/base/text.h"
#include "tui/draw/filter.h"
#include "tui/draw/list.h"
#include "tui/feed/document.h"
#include "tui/feed/feed.h"

#include <jansson.h>

enum show_id {
#define SHOW(name) SHOW_##name,
#include "tui/shows/shows.def"
#undef SHOW
    SHOWS
};

struct data_state {
    int show; /* enum show_id */
    struct document document[SHOWS];
    uint8_t *pixels; /* of the batch's pictures: [picture][height][width][3]; NULL: none */
    int height, width;
    struct class_score { /* of each class in the confusion matrix */
        json_int_t pictures, right;
    } * score;
    int scores;
    struct list list;
    struct filter filter;
    struct sorting sorting[SHOWS];
    int *row; /* what passes the filter, in order: indices of what the show has */
    size_t row_capacity;
    int count, rows; /* of row; that are on the screen */
};

struct show {
    const char *name; /* on its tab, and of its document */
    bool has_document;
    void (*read)(struct data_state *self); /* there is a newer document; NULL: nothing to do */
    const char *const *column;             /* to sort by; the first is its usual order */
    int columns;
    int (*size)(const struct data_state *self, const struct feed *feed);
    /* What the column is sorted by, the greatest first; a tie keeps the order. */
    double (*key)(const struct data_state *self, int i, int column);
    /* Appends the words of one of them, columns set apart by tabs. */
    void (*text)(const struct data_state *self, const struct feed *feed, int i, struct text *out);
    /* Draws self->row; self->list is settled by this, as it knows how many rows there is room for. */
    void (*draw)(struct data_state *self, const struct feed *feed, struct canvas *canvas, struct rect rect);
};

#define SHOW(name) extern const struct show show_##name;
#include "tui/shows/shows.def"
#undef SHOW

/* For shows: the name of a class, "?" where there is none; a number and a sample's words out of a document. */
const char *show_class(const struct data_state *self, json_int_t index);
json_int_t show_number(const json_t *object, const char *key);

/* The share of a class's validation pictures that were classified right; NaN: there were none. */
double show_right(const struct data_state *self, int class_index);

/* A column's title, which sorts by it. */
void show_title(struct data_state *self, struct canvas *canvas, struct rect place, int column);

/* Pictures in a grid, a row of self->row each: `sample` is what the documents mistakes and batch have of one; pixels
 * are [height][width][3], NULL: they are in the file that `path` names. */
struct show_picture {
    const json_t *sample;
    const char *name; /* what the pixels go by */
    const uint8_t *pixels;
    int height, width;
};
typedef struct show_picture (*show_picture_of)(const struct data_state *self, int i);
void show_grid(struct data_state *self, struct canvas *canvas, struct rect rect, show_picture_of picture_of);

/* The words of such a sample, and what it is sorted by: its place, the loss, what it is, what it was taken for. */
extern const char *const show_sample_columns[4];
void show_sample_text(const struct data_state *self, const json_t *sample, struct text *out);
double show_sample_key(const json_t *sample, int i, int column);
