/* The safetensors file format (huggingface.co/docs/safetensors): u64 header length, JSON header, tensor bytes. Reading
 * maps the file and trusts nothing: header size, JSON, dtypes, offsets (inside, in order, contiguous, no overlap),
 * duplicate names. Thread: a reader is read-only. */
#pragma once

#include "data/base/err.h"
#include "engine/tensor/tensor.h"

#include <stddef.h>

struct safetensors; /* an open file */

struct safetensors_tensor {
    const char *name;
    enum dtype dtype;
    struct shape shape;
    const void *data; /* lent: the mapping, or the caller's when writing */
};

/* F16 and BF16 tensors are refused by name (until precision needs them); so is rank > SHAPE_MAX. */
enum lt_err safetensors_open(struct safetensors **self, const char *path) LT_MUST_CHECK;
void safetensors_close(struct safetensors *self);
int safetensors_count(const struct safetensors *self);
struct safetensors_tensor safetensors_at(const struct safetensors *self, int index);

/* Finds by name; false when there is none. */
bool safetensors_find(const struct safetensors *self, const char *name, struct safetensors_tensor *tensor);

/* Lends the value of a `__metadata__` key, NULL when absent. */
const char *safetensors_metadata(const struct safetensors *self, const char *key);

struct safetensors_pair {
    const char *key, *value;
};

/* Writes atomically (path.h). With `checksum`, `__metadata__` also gets "checksum": XXH3-128 over the header without it
 * and all data; safetensors_open checks it where present, so that one flipped or missing byte is an error that names
 * the file. */
enum lt_err safetensors_write(const char *path, const struct safetensors_tensor *tensor, int count,
                              const struct safetensors_pair *metadata, int pairs, bool checksum) LT_MUST_CHECK;
