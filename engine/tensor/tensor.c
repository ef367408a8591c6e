#include "engine/tensor/tensor.h"

#include "data/base/err.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    size_t bytes;
} dtypes[] = {
#define DTYPE(id, name, bytes) [id] = {name, bytes},
#include "engine/tensor/dtype.def"
#undef DTYPE
};

size_t dtype_bytes(enum dtype dtype)
{
    lt_assert(dtype < DTYPE_COUNT);
    return dtypes[dtype].bytes;
}

const char *dtype_name(enum dtype dtype)
{
    lt_assert(dtype < DTYPE_COUNT);
    return dtypes[dtype].name;
}

bool dtype_find(enum dtype *dtype, const char *name)
{
    for (int i = 0; i < DTYPE_COUNT; i++) {
        if (strcmp(dtypes[i].name, name) != 0) continue;
        *dtype = (enum dtype)i;
        return true;
    }
    return false;
}

struct shape shape_of(int rank, const int64_t *size)
{
    lt_assert(rank >= 0 && rank <= SHAPE_MAX);
    struct shape shape = {.rank = rank};
    for (int i = 0; i < rank; i++) shape.size[i] = size[i];
    return shape;
}

int64_t shape_count(struct shape shape)
{
    int64_t count = 1;
    for (int i = 0; i < shape.rank; i++) count *= shape.size[i];
    return count;
}

bool shape_equal(struct shape a, struct shape b)
{
    if (a.rank != b.rank) return false;
    for (int i = 0; i < a.rank; i++)
        if (a.size[i] != b.size[i]) return false;
    return true;
}

const char *shape_text(char *text, struct shape shape)
{
    int at = sprintf(text, "[");
    for (int i = 0; i < shape.rank; i++) at += sprintf(text + at, "%s%lld", i ? ", " : "", (long long)shape.size[i]);
    sprintf(text + at, "]");
    return text;
}
