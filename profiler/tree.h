/* Spans as a tree: hook -> phase -> layer -> kernel. The trainer's spans nest by time; kernels go below their layer;
 * the spans of other threads stand beside, flat below the thread's name without its number ("data" for data-0, data-1
 * …). Invariant: the root's total is the time since tree_new, and the self times of all nodes below it sum to that;
 * whatever was in no span is the self time of the innermost open hook. Memory grows with the number of different nodes,
 * never with time. Thread: one, the trainer's. */
#pragma once

#include "data/base/span.h"
#include "profiler/histogram.h"

#include <stdbool.h>
#include <stddef.h>

struct tree;

/* An empty tree of the thread with that number; its root, SPAN_FIT, is open since `now`. */
struct tree *tree_new(int thread, int64_t now);
void tree_free(struct tree *self);

/* Takes spans as span_drain gives them: in the order of their ends in each thread. */
void tree_add(struct tree *self, const struct span *span, int count);

/* Everything up to `now` was added, and nothing is open in the tree's thread but what span_open announced: the tree is
 * complete and may be read. */
void tree_settle(struct tree *self, int64_t now);

/* What was counted up to a moment: the difference of two is a window. Zeroed is the beginning. */
struct tree_mark {
    struct tree_counts *node;
    int nodes, capacity;
};
struct tree_counts {
    int64_t calls, total_ns;
    struct histogram times;
};

/* Remembers now. */
void tree_set_mark(const struct tree *self, struct tree_mark *mark);
void tree_mark_release(struct tree_mark *self);

/* One node. Rows stand as a tree is printed: each followed by its children, the longest first. */
struct tree_row {
    int id, depth;
    int parent; /* its row, or -1 */
    const char *name;
    int64_t calls;
    double total_s, self_s, mean_s, p95_s;
    double share;        /* of the root's total */
    double flops, bytes; /* of all calls; 0 unless a kernel, or a layer of kernels */
    bool is_kernel;
};
struct tree_table {
    struct tree_row *row;
    int rows;
    size_t capacity;
    int beside; /* the first row of another thread; rows when there is none */
};

/* Fills in everything since `since`. The caller releases it. */
void tree_read(const struct tree *self, const struct tree_mark *since, struct tree_table *table);
void tree_table_release(struct tree_table *self);

/* The row at "fit/step/forward"; NULL when there is none. */
const struct tree_row *tree_find(const struct tree_table *self, const char *path);
