#include "tui/feed/profile_tree.h"

#include "data/base/memory.h"

static double item(const json_t *row, size_t i)
{
    return json_number_value(json_array_get(row, i));
}

/* Is `parent` the last row, or one that it lies below? Then subtrees stand together. */
static bool may_follow(const struct tree_table *table, int parent)
{
    int above = table->rows - 1;
    while (above >= 0 && above != parent) above = table->row[above].parent;
    return above == parent && (parent < 0 || table->row[parent].depth < PROFILE_TREE_DEPTH);
}

static bool read_row(struct tree_row *row, const struct tree_table *table, const json_t *json)
{
    const char *name = json_string_value(json_array_get(json, 1));
    const json_int_t parent = json_is_integer(json_array_get(json, 0)) ? json_integer_value(json_array_get(json, 0))
                                                                       : PROFILE_TREE_ROWS;
    if (!name || parent < -1 || parent >= table->rows || !may_follow(table, (int)parent)) return false;
    *row = (struct tree_row){.parent = (int)parent,
                             .depth = parent >= 0 ? table->row[parent].depth + 1 : 0,
                             .name = name,
                             .calls = json_integer_value(json_array_get(json, 2)),
                             .total_s = item(json, 3) * 1e-9,
                             .self_s = item(json, 4) * 1e-9,
                             .p95_s = item(json, 5) * 1e-9,
                             .flops = item(json, 6),
                             .bytes = item(json, 7),
                             .is_kernel = json_is_true(json_array_get(json, 8))};
    const double root_s = table->rows ? table->row[0].total_s : row->total_s;
    row->mean_s = row->calls > 0 ? row->total_s / (double)row->calls : 0;
    row->share = root_s > 0 ? row->total_s / root_s : 0;
    return true;
}

void profile_tree_read(struct tree_table *table, const json_t *rows)
{
    const size_t most = json_array_size(rows) < PROFILE_TREE_ROWS ? json_array_size(rows) : PROFILE_TREE_ROWS;
    *table = (struct tree_table){.beside = -1};
    for (size_t i = 0; i < most; i++) {
        table->row = memory_grow(table->row, (size_t)table->rows, &table->capacity, sizeof *table->row);
        struct tree_row *row = &table->row[table->rows];
        if (!read_row(row, table, json_array_get(rows, i))) break;
        if (row->parent < 0 && table->rows > 0 && table->beside < 0) table->beside = table->rows;
        table->rows++;
    }
    if (table->beside < 0) table->beside = table->rows;
}
