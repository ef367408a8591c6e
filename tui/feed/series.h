/* A series: every point of a metric, and a pyramid over it (minimum, maximum, any non-finite value per power-of-two
 * bucket), so that a chart costs O(columns log points) and a one-step spike or a NaN is never lost. About 31 bytes a
 * point. Points come in order of step. Thread: the screen's. Zero-initialised is empty and releasable. */
#pragma once

#include "engine/log/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SERIES_LEAF = 8 /* points of the smallest bucket */, SERIES_LEVELS = 40 };

struct series_bucket {
    float low, high; /* of the finite values; low > high when there are none */
    bool has_nonfinite;
};

struct series {
    struct wire_point *point;
    float *smooth; /* debiased exponential mean up to each point, weight 0.9 */
    size_t count, capacity;
    struct series_bucket *level[SERIES_LEVELS]; /* level k: full buckets of SERIES_LEAF << k points */
    size_t level_count[SERIES_LEVELS], level_capacity[SERIES_LEVELS];
    double mean, weight; /* of the exponential mean */
};

void series_add(struct series *self, struct wire_point point);

/* The same for many, in linear passes. */
void series_add_many(struct series *self, const struct wire_point *point, size_t count);

void series_release(struct series *self);

/* The first point whose step is not below `step`. */
size_t series_find(const struct series *self, int64_t step);

/* The first point that was not before the time `wall`. */
size_t series_find_wall(const struct series *self, double wall);

/* What the points first … last - 1 hold. */
struct series_bucket series_range(const struct series *self, size_t first, size_t last);
