/* Looks at every picture of a set before a training does: can it be decoded, and does its content stand somewhere else
 * too? Thread: the caller's, and workers of its own while data_check runs. */
#pragma once

#include "data/data.h"

struct check_options {
    int workers; /* threads that decode; 0 = all cores */
    int64_t max_pixels;
    /* Called from the caller's thread about once a second, and at the end; may be NULL. */
    void (*progress)(void *context, int64_t done, int64_t all);
    void *context;
};

struct checked {
    char *bad;         /* why it cannot be decoded, with its path; NULL = it can */
    int width, height; /* of a good one */
    uint64_t hash[2];  /* of the file's bytes (XXH3-128) */
    int64_t same_as;   /* the first sample with the same bytes, or -1 */
};

/* Fills checked[set->samples] (caller frees with data_check_free). An error is only that of starting threads. */
enum lt_err data_check(struct checked **checked, const struct set *set,
                       const struct check_options *options) LT_MUST_CHECK;
void data_check_free(struct checked *checked, const struct set *set);
