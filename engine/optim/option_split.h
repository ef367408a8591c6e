/* Reads a mapping {name: NAME, key: value…} whose keys are the rows of two tables: those every member of a family has,
 * and the member's own. One pass over both, so that an unknown key is told the nearest of all. Thread: any. */
#pragma once

#include "data/base/options.h"

struct option_split {
    struct option_table common;
    size_t common_bytes; /* of the struct that `common` binds */
    struct option_table own;
    size_t own_bytes;
};

/* Binds the common keys into common_out and the member's into *own (new memory; options_release it and free it).
 * Nothing is left to release after an error. */
enum lt_err option_split_bind(const struct option_split *split, void *common_out, void **own,
                              const struct setting *mapping) LT_MUST_CHECK;
