/* Shapes, element types and views of device memory. A tensor is a view: it never owns its memory.
 * Images and activations are NHWC, dimension 0 is the sample; convolution weights are OHWI (torch's OIHW is made at the
 * border, see checkpoint/); linear weights are [out, in] as torch's. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dtype {
#define DTYPE(id, name, bytes) id,
#include "engine/tensor/dtype.def"
#undef DTYPE
    DTYPE_COUNT,
    /* In graphs only. Once planned, parameters and statistics are DTYPE_F32 or DTYPE_F64; activations, inputs and their
     * gradients the same, or DTYPE_BF16. */
    DTYPE_REAL = DTYPE_COUNT, /* floating point */
    DTYPE_STATISTIC           /* what a node finds about its activations: as wide as parameters */
};

size_t dtype_bytes(enum dtype dtype);
const char *dtype_name(enum dtype dtype);

/* Finds a dtype by its safetensors name; false when unknown. */
bool dtype_find(enum dtype *dtype, const char *name);

enum { SHAPE_MAX = 5 };

struct shape {
    int rank;
    int64_t size[SHAPE_MAX];
};

/* shape_of(4, n, h, w, c) with SHAPE(n, h, w, c). */
struct shape shape_of(int rank, const int64_t *size);
#define SHAPE(...) shape_of((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__})

/* Product of the sizes; 1 for rank 0. */
int64_t shape_count(struct shape shape);
bool shape_equal(struct shape a, struct shape b);

/* Writes "[32, 56, 56, 24]" into text (at least 128 bytes) and returns it. */
const char *shape_text(char *text, struct shape shape);

struct tensor {
    void *data; /* NULL = absent (an optional input, or a gradient nobody wants) */
    enum dtype dtype;
    struct shape
        shape; /* dimension 0 of an activation is the plan's batch capacity; struct step says how many are real */
};
