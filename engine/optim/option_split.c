#include "engine/optim/option_split.h"

#include "data/base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Rows of both tables for one struct: the common one, then (at own_at) the member's. Caller frees the rows. */
static struct option_table join(const struct option_split *split, size_t own_at)
{
    struct option *row = memory_new(split->common.count + split->own.count + 1, sizeof *row);
    memcpy(row, split->common.row, split->common.count * sizeof *row);
    for (size_t i = 0; i < split->own.count; i++) {
        row[split->common.count + i] = split->own.row[i];
        row[split->common.count + i].offset += own_at;
    }
    return (struct option_table){row, split->common.count + split->own.count};
}

enum lt_err option_split_bind(const struct option_split *split, void *common_out, void **own,
                              const struct setting *mapping)
{
    const size_t own_at = (split->common_bytes + 15) / 16 * 16;
    struct option_table both = join(split, own_at);
    char *block = memory_new(1, own_at + split->own_bytes);
    enum lt_err code = options_bind_named(block, both, mapping);
    if (code == LT_OK) {
        *own = memory_new(1, split->own_bytes + 1);
        memcpy(common_out, block, split->common_bytes);
        memcpy(*own, block + own_at, split->own_bytes);
    } else {
        options_release(block, both);
    }
    free(block);
    free((void *)both.row);
    return code;
}
