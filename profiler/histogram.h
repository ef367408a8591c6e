/* How long something took, as counts in fixed buckets: four to each doubling, from 64 ns to over two minutes. A
 * percentile is thus right within a bucket, 19 % of its value. Zeroed is empty. Thread: one at a time. */
#pragma once

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 128 };

struct histogram {
    uint32_t count[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *self, int64_t ns);

/* The bucket of a value; and the one where the value lies that `share` of all do not exceed (0 when empty). */
int histogram_bucket(int64_t ns);
int histogram_bucket_at(const struct histogram *self, double share);

/* self = a - b, where b was a copy of a at an earlier time. */
void histogram_subtract(struct histogram *self, const struct histogram *a, const struct histogram *b);

/* The time that `share` (0 … 1) of the values do not exceed, in nanoseconds, interpolated inside its bucket; 0 when
 * empty. */
double histogram_quantile(const struct histogram *self, double share);
