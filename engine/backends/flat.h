/* Functions over flat parameter memory that passes over the plan use. Parameters of a plan lie in one array, in
 * definition order, each start aligned to FLAT_ALIGN elements, gaps zero; gradients and optimizer states have the same
 * layout. A segment is one parameter. Sums are in double over fixed 64-element blocks combined in index order, so that
 * they do not depend on threads, and later not on shards. Each backend gives one table per real type. Thread: the
 * device's. */
#pragma once

#include "engine/tensor/tensor.h"

enum { FLAT_ALIGN = 64 };

struct device;

struct segment {
    int64_t offset, count; /* elements */
    int group;             /* optimizer group, 0 … */
};

struct flat_counts {
    double *zeros, *nonfinite;
    const double *square_sum;
};

struct flat_changes {
    double *change, *size;
    const void *before; /* flat, as what it is compared with */
};

struct flat_functions {
    /* accumulated += gradient; `first` overwrites instead. Also of BF16, where the backend has it. */
    void (*accumulate)(struct device *d, enum dtype real, void *accumulated, const void *gradient, int64_t count,
                       int first);
    /* out[i] = sum of squares of segment i (double, NaN and Inf kept), out[segments] = their sum in segment order. */
    void (*square_sums)(struct device *d, enum dtype real, double *out, const void *gradient,
                        const struct segment *segment, int64_t segments);
    /* zeros[i], nonfinite[i]: how many elements of segment i are 0; NaN or infinite. Nothing is done where
     * *square_sum is finite; square_sum NULL: always. */
    void (*counts)(struct device *d, enum dtype real, const struct flat_counts *out, const void *gradient,
                   const struct segment *segment, int64_t segments);
    /* change[i] = sum of squares of after - before in segment i, size[i] = that of before. */
    void (*changes)(struct device *d, enum dtype real, const struct flat_changes *out, const void *after,
                    const struct segment *segment, int64_t segments);
    /* *factor = min(1, max_norm / (sqrt(*square_sum) + 1e-6)), 1 when max_norm <= 0; as torch.nn.utils.clip_grad_norm_.
     */
    void (*clip_factor)(struct device *d, double *factor, const double *square_sum, double max_norm);
    /* gradient *= *factor, then clamped to ±max_value when max_value > 0. */
    void (*clip)(struct device *d, enum dtype real, void *gradient, int64_t count, const double *factor,
                 double max_value);
};
