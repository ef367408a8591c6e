#include "tui/feed/series.h"

#include "data/base/memory.h"

#include <math.h>
#include <stdlib.h>

static const struct series_bucket nothing = {.low = INFINITY, .high = -INFINITY};

static struct series_bucket join(struct series_bucket a, struct series_bucket b)
{
    return (struct series_bucket){fminf(a.low, b.low), fmaxf(a.high, b.high), a.has_nonfinite || b.has_nonfinite};
}

static struct series_bucket of_point(const struct series *self, size_t i)
{
    float value = (float)self->point[i].value;
    if (!isfinite(value)) return (struct series_bucket){INFINITY, -INFINITY, true};
    return (struct series_bucket){value, value, false};
}

/* The bucket `index` of level k - 1, or a point. */
static struct series_bucket child(const struct series *self, int level, size_t index)
{
    return level == 0 ? of_point(self, index) : self->level[level - 1][index];
}

static void add_smooth(struct series *self, double value)
{
    enum { PERCENT = 90 };
    const double keep = PERCENT / 100.0;
    if (isfinite(value)) {
        self->mean = keep * self->mean + (1 - keep) * value;
        self->weight = keep * self->weight + (1 - keep);
    }
    self->smooth = memory_grow(self->smooth, self->count, &self->smooth_capacity, sizeof *self->smooth);
    self->smooth[self->count] = self->weight > 0 ? (float)(self->mean / self->weight) : NAN;
}

void series_add(struct series *self, struct wire_point point)
{
    add_smooth(self, point.value);
    self->point = memory_grow(self->point, self->count, &self->capacity, sizeof *self->point);
    self->point[self->count++] = point;
    size_t complete = self->count;
    for (int k = 0; k < SERIES_LEVELS && complete % 2 == 0; k++, complete /= 2) { /* a bucket is made when it is full */
        self->level[k] = memory_grow(self->level[k], self->level_count[k], &self->level_capacity[k],
                                     sizeof *self->level[k]);
        size_t at = self->level_count[k]++;
        self->level[k][at] = join(child(self, k, 2 * at), child(self, k, 2 * at + 1));
    }
}

void series_release(struct series *self)
{
    for (int k = 0; k < SERIES_LEVELS; k++) free(self->level[k]);
    free(self->point);
    free(self->smooth);
    *self = (struct series){0};
}

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
    struct series_bucket all = nothing;
    while (first < last) { /* the largest full bucket that starts here and does not reach past the end */
        int k = 0;
        while (k < SERIES_LEVELS && first % ((size_t)2 << k) == 0 && first + ((size_t)2 << k) <= last) k++;
        all = join(all, child(self, k, first >> k));
        first += (size_t)1 << k;
    }
    return all;
}
