#include "tui/feed/series.h"

#include "data/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct series_bucket nothing = {.low = INFINITY, .high = -INFINITY};

static struct series_bucket join(struct series_bucket a, struct series_bucket b)
{
    return (struct series_bucket){a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high,
                                  a.has_nonfinite || b.has_nonfinite};
}

static struct series_bucket scan(const struct wire_point *point, size_t count)
{
    struct series_bucket all = nothing;
    for (size_t i = 0; i < count; i++) {
        float value = (float)point[i].value;
        bool finite = isfinite(value);
        float low = finite ? value : INFINITY, high = finite ? value : -INFINITY;
        all.low = low < all.low ? low : all.low;
        all.high = high > all.high ? high : all.high;
        all.has_nonfinite |= !finite;
    }
    return all;
}

/* ---- adding ---- */

/* Room for `count` elements: at least doubled, so that adding stays linear. */
static void *reserve(void *old, size_t count, size_t *capacity, size_t size)
{
    if (count <= *capacity) return old;
    *capacity = count > 2 * *capacity ? count : 2 * *capacity;
    return memory_resize(old, *capacity, size);
}

static void reserve_points(struct series *self, size_t count)
{
    size_t capacity = self->capacity;
    self->smooth = reserve(self->smooth, count, &capacity, sizeof *self->smooth);
    self->point = reserve(self->point, count, &self->capacity, sizeof *self->point);
}

static void smooth(struct series *self, size_t first)
{
    enum { PERCENT = 90 };
    const double keep = PERCENT / 100.0;
    double mean = self->mean, weight = self->weight;
    for (size_t i = first; i < self->count; i++) {
        double value = self->point[i].value;
        if (isfinite(value)) {
            mean = keep * mean + (1 - keep) * value;
            weight = keep * weight + (1 - keep);
        }
        self->smooth[i] = weight > 0 ? (float)(mean / weight) : NAN;
    }
    self->mean = mean;
    self->weight = weight;
}

/* A bucket is made when it is full. */
static void build(struct series *self)
{
    for (int k = 0; k < SERIES_LEVELS; k++) {
        size_t have = self->level_count[k], full = (self->count / SERIES_LEAF) >> k;
        if (full == have) return; /* so are the levels above */
        self->level[k] = reserve(self->level[k], full, &self->level_capacity[k], sizeof *self->level[k]);
        for (size_t i = have; i < full; i++)
            self->level[k][i] = k == 0 ? scan(self->point + i * SERIES_LEAF, SERIES_LEAF)
                                       : join(self->level[k - 1][2 * i], self->level[k - 1][2 * i + 1]);
        self->level_count[k] = full;
    }
}

void series_add_many(struct series *self, const struct wire_point *point, size_t count)
{
    if (count == 0) return;
    size_t first = self->count;
    reserve_points(self, first + count);
    memcpy(self->point + first, point, count * sizeof *point);
    self->count += count;
    smooth(self, first);
    build(self);
}

void series_add(struct series *self, struct wire_point point)
{
    series_add_many(self, &point, 1);
}

void series_release(struct series *self)
{
    for (int k = 0; k < SERIES_LEVELS; k++) free(self->level[k]);
    free(self->point);
    free(self->smooth);
    *self = (struct series){0};
}

/* ---- asking ---- */

size_t series_find(const struct series *self, int64_t step)
{
    size_t low = 0, high = self->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (self->point[middle].step < step)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct series_bucket series_range(const struct series *self, size_t first, size_t last)
{
    if (first >= last) return nothing;
    size_t head = (first + SERIES_LEAF - 1) / SERIES_LEAF, tail = last / SERIES_LEAF; /* whole leaves between */
    if (head >= tail) return scan(self->point + first, last - first);
    struct series_bucket all = join(scan(self->point + first, head * SERIES_LEAF - first),
                                    scan(self->point + tail * SERIES_LEAF, last - tail * SERIES_LEAF));
    for (int k = 0; head < tail; k++, head /= 2, tail /= 2) { /* odd ones at the edges, the rest one level up */
        if (head % 2) all = join(all, self->level[k][head++]);
        if (tail % 2) all = join(all, self->level[k][--tail]);
    }
    return all;
}

size_t series_find_wall(const struct series *self, double wall)
{
    size_t low = 0, high = self->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (self->point[middle].wall < wall)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
