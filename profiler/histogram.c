#include "profiler/histogram.h"

enum { FIRST_OCTAVE = 6, PARTS = 4 }; /* 2^6 ns is where the first bucket begins */

/* The octave is the position of the highest bit, the part its next two bits. */
int histogram_bucket(int64_t ns)
{
    if (ns < 1 << FIRST_OCTAVE) return 0;
    const int octave = 63 - __builtin_clzll((unsigned long long)ns);
    const int bucket = (octave - FIRST_OCTAVE) * PARTS + (int)(ns >> (octave - 2) & 3);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static double begin_of(int bucket)
{
    return (double)(1LL << (FIRST_OCTAVE + bucket / PARTS)) * (1 + bucket % PARTS / (double)PARTS);
}

void histogram_add(struct histogram *self, int64_t ns)
{
    self->count[histogram_bucket(ns)]++;
}

void histogram_subtract(struct histogram *self, const struct histogram *a, const struct histogram *b)
{
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) self->count[i] = a->count[i] - b->count[i];
}

/* The same, and how many values lie in the buckets before and in all. */
static int find_bucket(const struct histogram *self, double share, double *before, double *total)
{
    *before = *total = 0;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) *total += self->count[i];
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (self->count[i] > 0 && *before + self->count[i] >= share * *total) return i;
        *before += self->count[i];
    }
    return 0;
}

int histogram_bucket_at(const struct histogram *self, double share)
{
    double before, total;
    return find_bucket(self, share, &before, &total);
}

double histogram_quantile(const struct histogram *self, double share)
{
    double before, total;
    const int i = find_bucket(self, share, &before, &total);
    if (total == 0) return 0;
    const double inside = (share * total - before) / self->count[i];
    return begin_of(i) + (inside > 0 ? inside : 0) * (begin_of(i + 1) - begin_of(i));
}
