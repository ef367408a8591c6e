#include "engine/backends/reference/flat.h"

#include <math.h>

static double get(const void *array, enum dtype real, int64_t i)
{
    return real == DTYPE_F64 ? ((const double *)array)[i] : (double)((const float *)array)[i];
}

static void set(void *array, enum dtype real, int64_t i, double value)
{
    if (real == DTYPE_F64)
        ((double *)array)[i] = value;
    else
        ((float *)array)[i] = (float)value;
}

static void accumulate(struct device *d, enum dtype real, void *accumulated, const void *gradient, int64_t count,
                       int first)
{
    (void)d;
    for (int64_t i = 0; i < count; i++)
        set(accumulated, real, i, (first ? 0 : get(accumulated, real, i)) + get(gradient, real, i));
}

/* Blocks of 64 elements, combined in index order: the same additions on every backend. */
static double square_sum(enum dtype real, const void *gradient, struct segment segment)
{
    double sum = 0;
    for (int64_t begin = 0; begin < segment.count; begin += FLAT_ALIGN) {
        const int64_t end = begin + FLAT_ALIGN < segment.count ? begin + FLAT_ALIGN : segment.count;
        double block = 0;
        for (int64_t i = begin; i < end; i++) {
            const double g = get(gradient, real, segment.offset + i);
            block += g * g;
        }
        sum += block;
    }
    return sum;
}

static void square_sums(struct device *d, enum dtype real, double *out, const void *gradient,
                        const struct segment *segment, int64_t segments)
{
    (void)d;
    out[segments] = 0;
    for (int64_t s = 0; s < segments; s++) {
        out[s] = square_sum(real, gradient, segment[s]);
        out[segments] += out[s];
    }
}

static void counts(struct device *d, enum dtype real, const struct flat_counts *out, const void *gradient,
                   const struct segment *segment, int64_t segments)
{
    (void)d;
    if (out->square_sum && isfinite(*out->square_sum)) return;
    for (int64_t s = 0; s < segments; s++) {
        out->zeros[s] = out->nonfinite[s] = 0;
        for (int64_t i = segment[s].offset; i < segment[s].offset + segment[s].count; i++) {
            out->zeros[s] += get(gradient, real, i) == 0;
            out->nonfinite[s] += !isfinite(get(gradient, real, i));
        }
    }
}

static void changes(struct device *d, enum dtype real, const struct flat_changes *out, const void *after,
                    const struct segment *segment, int64_t segments)
{
    (void)d;
    for (int64_t s = 0; s < segments; s++) {
        out->change[s] = out->size[s] = 0;
        for (int64_t i = segment[s].offset; i < segment[s].offset + segment[s].count; i++) {
            const double before = get(out->before, real, i), change = get(after, real, i) - before;
            out->change[s] += change * change;
            out->size[s] += before * before;
        }
    }
}

static void clip_factor(struct device *d, double *factor, const double *square, double max_norm)
{
    (void)d;
    const double f = max_norm > 0 ? max_norm / (sqrt(*square) + 1e-6) : 1;
    *factor = f > 1 ? 1 : f; /* a NaN stays */
}

static void clip(struct device *d, enum dtype real, void *gradient, int64_t count, const double *factor,
                 double max_value)
{
    (void)d;
    for (int64_t i = 0; i < count; i++) {
        double g = get(gradient, real, i) * *factor;
        if (max_value > 0) g = g > max_value ? max_value : g < -max_value ? -max_value : g;
        set(gradient, real, i, g);
    }
}

const struct flat_functions flat_reference = {.accumulate = accumulate,
                                              .square_sums = square_sums,
                                              .counts = counts,
                                              .changes = changes,
                                              .clip_factor = clip_factor,
                                              .clip = clip};
