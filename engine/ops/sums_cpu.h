/* Sums of rows of elements, in float, a block of columns at a time. Included by *_cpu.c only. Thread: any. */
#pragma once

#include "engine/backends/cpu/isa.h"

enum { SUMS_COLUMNS = 512 };

/* Runs `body` for each block: `k` its first column, `columns` their number, float sum[SUMS_COLUMNS] zero. */
#define EACH_SUMS(width, body)                                                                                         \
    for (int64_t k = 0, columns; k < (width); k += columns) {                                                          \
        float sum[SUMS_COLUMNS] = {0};                                                                                 \
        columns = (width)-k < SUMS_COLUMNS ? (width)-k : SUMS_COLUMNS;                                                 \
        body                                                                                                           \
    }

static inline void sums_add(float *sum, const element *row, int64_t columns)
{
#define ADD(k, count)                                                                                                  \
    vec_store_some(sum + (k), vec_load_some(sum + (k), count) + element_read_some(row + (k), count), count)
    EACH_VECTOR(columns, ADD);
#undef ADD
}

static inline void sums_add_product(float *sum, const element *a, const element *b, int64_t columns)
{
#define ADD(k, count)                                                                                                  \
    vec_store_some(sum + (k),                                                                                          \
                   vec_load_some(sum + (k), count) +                                                                   \
                       element_read_some(a + (k), count) * element_read_some(b + (k), count),                          \
                   count)
    EACH_VECTOR(columns, ADD);
#undef ADD
}

static inline void sums_store(element *to, const float *sum, float factor, int64_t columns)
{
#define STORE(k, count) element_store_some(to + (k), vec_load_some(sum + (k), count) * vec_set(factor), count)
    EACH_VECTOR(columns, STORE);
#undef STORE
}

/* to += from * factor */
static inline void elements_add_scaled(element *to, const element *from, float factor, int64_t columns)
{
#define ADD(k, count)                                                                                                  \
    element_store_some(                                                                                                \
        to + (k), element_load_some(to + (k), count) + element_load_some(from + (k), count) * vec_set(factor), count)
    EACH_VECTOR(columns, ADD);
#undef ADD
}
