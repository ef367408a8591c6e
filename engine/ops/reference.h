/* For reference kernels: elements of float tensors of either width, read and written as double. Plain loops over these
 * are the oracle of every other backend. Thread: any. */
#pragma once

#include "engine/backends/backend.h"
#include "engine/ops/op.h"

static inline double real_get(struct tensor t, int64_t i)
{
    return t.dtype == DTYPE_F64 ? ((const double *)t.data)[i] : (double)((const float *)t.data)[i];
}

static inline void real_set(struct tensor t, int64_t i, double value)
{
    if (t.dtype == DTYPE_F64)
        ((double *)t.data)[i] = value;
    else
        ((float *)t.data)[i] = (float)value;
}

/* Elements of one sample. */
static inline int64_t row_count(struct tensor t)
{
    return t.shape.rank && t.shape.size[0] ? shape_count(t.shape) / t.shape.size[0] : 1;
}
