/* The tree of a run's document `profile`, as the profiler made it (engine/trainer/profile.c writes it). A document is a
 * file and may hold anything: rows are taken as long as they make a tree. Thread: any. */
#pragma once

#include "profiler/tree.h"

#include <jansson.h>

enum { PROFILE_TREE_ROWS = 8192, PROFILE_TREE_DEPTH = 32 };

/* Fills in the table from an array of rows: [parent, name, calls, total ns, self ns, p95 ns, flops, bytes, is a
 * kernel]. Names are lent by `rows`; ids are 0. The caller releases the table. */
void profile_tree_read(struct tree_table *table, const json_t *rows);
