#include "engine/checkpoint/safetensors.h"

#include "data/base/memory.h"
#include "data/base/path.h"

#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { HEADER_MAX = 100 << 20, CHECKSUM_TEXT = 33 };

struct safetensors {
    char *path;
    const unsigned char *bytes; /* the whole file, mapped */
    size_t length, data_at;
    json_t *header;
    struct safetensors_tensor *tensor; /* in order of their data */
    int count;
};

static uint64_t load64(const unsigned char *from)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) value = value << 8 | from[i];
    return value;
}

static enum lt_err damaged(const struct safetensors *self, const char *what, const char *name)
{
    return lt_fail(LT_EFORMAT, "%s is damaged or no safetensors file: %s%s%s; copy it again or use another checkpoint",
                   self->path, what, name ? ": " : "", name ? name : "");
}

/* ---- reading ---- */

static enum lt_err map_file(struct safetensors *self)
{
    int fd = open(self->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return lt_fail_errno("open", self->path);
    struct stat st;
    enum lt_err err = LT_OK;
    if (fstat(fd, &st) != 0)
        err = lt_fail_errno("read", self->path);
    else if (!S_ISREG(st.st_mode))
        err = lt_fail(LT_EFORMAT, "%s is not a file", self->path);
    else if (st.st_size < 8)
        err = damaged(self, "it is too short", NULL);
    if (err == LT_OK) {
        void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED) {
            err = lt_fail_errno("map", self->path);
        } else {
            self->bytes = map;
            self->length = (size_t)st.st_size;
        }
    }
    close(fd);
    return err;
}

static enum lt_err parse_header(struct safetensors *self)
{
    uint64_t size = load64(self->bytes);
    if (size > HEADER_MAX || size > self->length - 8) return damaged(self, "its header is longer than the file", NULL);
    json_error_t error;
    self->header = json_loadb((const char *)self->bytes + 8, size, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(self->header)) return damaged(self, "its header is no JSON object", error.text);
    self->data_at = 8 + (size_t)size;
    return LT_OK;
}

static enum lt_err read_shape(struct safetensors *self, struct safetensors_tensor *tensor, const json_t *json,
                              size_t *bytes)
{
    if (!json_is_array(json)) return damaged(self, "a tensor has no shape", tensor->name);
    if (json_array_size(json) > SHAPE_MAX) return damaged(self, "a tensor has too many dimensions", tensor->name);
    size_t i;
    json_t *size;
    json_array_foreach(json, i, size)
    {
        json_int_t n = json_is_integer(size) ? json_integer_value(size) : -1;
        if (n < 0 || (n > 0 && *bytes > self->length / (size_t)n))
            return damaged(self, "a tensor's shape is impossible", tensor->name);
        tensor->shape.size[tensor->shape.rank++] = n;
        *bytes *= (size_t)n;
    }
    return LT_OK;
}

static enum lt_err read_tensor(struct safetensors *self, const char *name, const json_t *json)
{
    struct safetensors_tensor *tensor = &self->tensor[self->count];
    *tensor = (struct safetensors_tensor){.name = name};
    const char *dtype = json_string_value(json_object_get(json, "dtype"));
    const json_t *offsets = json_object_get(json, "data_offsets");
    if (!dtype || json_array_size(offsets) != 2) return damaged(self, "a tensor has no dtype or no data_offsets", name);
    if (!dtype_find(&tensor->dtype, dtype))
        return lt_fail(LT_EUNSUPPORTED, "%s: the tensor %s has the type %s; convert the file to F32", self->path, name,
                       dtype);
    size_t bytes = dtype_bytes(tensor->dtype);
    LT_TRY(read_shape(self, tensor, json_object_get(json, "shape"), &bytes));
    json_int_t begin = json_integer_value(json_array_get(offsets, 0)),
               end = json_integer_value(json_array_get(offsets, 1));
    size_t room = self->length - self->data_at;
    if (begin < 0 || end < begin || (size_t)end > room || (size_t)(end - begin) != bytes)
        return damaged(self, "a tensor's data do not lie inside the file, or do not fit its shape", name);
    tensor->data = self->bytes + self->data_at + begin;
    self->count++;
    return LT_OK;
}

static int by_place(const void *a, const void *b)
{
    const struct safetensors_tensor *x = a, *y = b;
    if (x->data != y->data) return x->data < y->data ? -1 : 1;
    int64_t i = shape_count(x->shape), k = shape_count(y->shape); /* empty tensors come first */
    return i < k ? -1 : i > k;
}

/* All data belong to exactly one tensor: no hole, no overlap. */
static enum lt_err check_places(struct safetensors *self)
{
    qsort(self->tensor, (size_t)self->count, sizeof *self->tensor, by_place);
    const unsigned char *at = self->bytes + self->data_at;
    for (int i = 0; i < self->count; i++) {
        if (self->tensor[i].data != at) return damaged(self, "tensors overlap or leave holes", self->tensor[i].name);
        at += (size_t)shape_count(self->tensor[i].shape) * dtype_bytes(self->tensor[i].dtype);
    }
    return at == self->bytes + self->length ? LT_OK : damaged(self, "bytes are left over behind the last tensor", NULL);
}

/* Over all metadata but the checksum itself, in key order, every tensor's name, type and shape, and all data. */
static void checksum_header(XXH3_state_t *state, const struct safetensors_pair *pair, int pairs,
                            const struct safetensors_tensor *tensor, int count)
{
    for (int i = 0; i < pairs; i++) {
        XXH3_128bits_update(state, pair[i].key, strlen(pair[i].key) + 1);
        XXH3_128bits_update(state, pair[i].value, strlen(pair[i].value) + 1);
    }
    for (int i = 0; i < count; i++) {
        XXH3_128bits_update(state, tensor[i].name, strlen(tensor[i].name) + 1);
        XXH3_128bits_update(state, dtype_name(tensor[i].dtype), strlen(dtype_name(tensor[i].dtype)) + 1);
        XXH3_128bits_update(state, tensor[i].shape.size, (size_t)tensor[i].shape.rank * sizeof(int64_t));
    }
}

static void checksum(char text[CHECKSUM_TEXT], const struct safetensors_pair *pair, int pairs,
                     const struct safetensors_tensor *tensor, int count)
{
    XXH3_state_t *state = XXH3_createState();
    if (!state || XXH3_128bits_reset(state) != XXH_OK) lt_panic(__FILE__, __LINE__, "no memory for a checksum");
    checksum_header(state, pair, pairs, tensor, count);
    for (int i = 0; i < count; i++)
        XXH3_128bits_update(state, tensor[i].data, (size_t)shape_count(tensor[i].shape) * dtype_bytes(tensor[i].dtype));
    XXH128_hash_t hash = XXH3_128bits_digest(state);
    XXH3_freeState(state);
    snprintf(text, CHECKSUM_TEXT, "%016" PRIx64 "%016" PRIx64, hash.high64, hash.low64);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct safetensors_pair *)a)->key, ((const struct safetensors_pair *)b)->key);
}

static enum lt_err check_sum(struct safetensors *self)
{
    const char *expected = safetensors_metadata(self, "checksum"), *key;
    if (!expected) return LT_OK;
    json_t *metadata = json_object_get(self->header, "__metadata__"), *value;
    struct safetensors_pair *pair = memory_new(json_object_size(metadata), sizeof *pair);
    int pairs = 0;
    json_object_foreach(metadata, key, value)
    {
        if (strcmp(key, "checksum") != 0) pair[pairs++] = (struct safetensors_pair){key, json_string_value(value)};
    }
    qsort(pair, (size_t)pairs, sizeof *pair, by_key);
    char actual[CHECKSUM_TEXT];
    checksum(actual, pair, pairs, self->tensor, self->count);
    free(pair);
    return strcmp(actual, expected) == 0 ? LT_OK : damaged(self, "its checksum does not match its contents", NULL);
}

static enum lt_err read_all(struct safetensors *self)
{
    LT_TRY(map_file(self));
    LT_TRY(parse_header(self));
    self->tensor = memory_new(json_object_size(self->header), sizeof *self->tensor);
    const char *name, *key;
    json_t *json, *value;
    json_object_foreach(self->header, name, json)
    {
        if (strcmp(name, "__metadata__") != 0) LT_TRY(read_tensor(self, name, json));
    }
    json_object_foreach(json_object_get(self->header, "__metadata__"), key, value)
    {
        if (!json_is_string(value)) return damaged(self, "a metadata value is no text", key);
    }
    LT_TRY(check_places(self));
    return check_sum(self);
}

enum lt_err safetensors_open(struct safetensors **out, const char *path)
{
    struct safetensors *self = memory_new(1, sizeof *self);
    self->path = memory_text(path);
    enum lt_err err = read_all(self);
    if (err == LT_OK)
        *out = self;
    else
        safetensors_close(self);
    return err;
}

void safetensors_close(struct safetensors *self)
{
    if (!self) return;
    if (self->bytes) munmap((void *)self->bytes, self->length);
    json_decref(self->header);
    free(self->tensor);
    free(self->path);
    free(self);
}

int safetensors_count(const struct safetensors *self)
{
    return self->count;
}

struct safetensors_tensor safetensors_at(const struct safetensors *self, int index)
{
    return self->tensor[index];
}

bool safetensors_find(const struct safetensors *self, const char *name, struct safetensors_tensor *tensor)
{
    for (int i = 0; i < self->count; i++) {
        if (strcmp(self->tensor[i].name, name) != 0) continue;
        *tensor = self->tensor[i];
        return true;
    }
    return false;
}

const char *safetensors_metadata(const struct safetensors *self, const char *key)
{
    return json_string_value(json_object_get(json_object_get(self->header, "__metadata__"), key));
}

/* ---- writing ---- */

static json_t *header_of(const struct safetensors_tensor *tensor, int count, json_t *metadata)
{
    json_t *header = json_object();
    if (json_object_size(metadata)) json_object_set(header, "__metadata__", metadata);
    json_int_t at = 0;
    for (int i = 0; i < count; i++) {
        json_t *shape = json_array();
        for (int d = 0; d < tensor[i].shape.rank; d++)
            json_array_append_new(shape, json_integer(tensor[i].shape.size[d]));
        json_int_t end = at + shape_count(tensor[i].shape) * (json_int_t)dtype_bytes(tensor[i].dtype);
        json_object_set_new(header, tensor[i].name,
                            json_pack("{s:s, s:o, s:[I, I]}", "dtype", dtype_name(tensor[i].dtype), "shape", shape,
                                      "data_offsets", at, end));
        at = end;
    }
    return header;
}

static enum lt_err write_file(int fd, const char *path, const char *header, const struct safetensors_tensor *tensor,
                              int count)
{
    size_t length = strlen(header), padded = (length + 7) / 8 * 8; /* data start aligned, as the format asks */
    unsigned char size[8];
    for (int i = 0; i < 8; i++) size[i] = (unsigned char)((uint64_t)padded >> (8 * i));
    LT_TRY(path_write_all(fd, size, 8, path));
    LT_TRY(path_write_all(fd, header, length, path));
    LT_TRY(path_write_all(fd, "        ", padded - length, path));
    for (int i = 0; i < count; i++) {
        size_t bytes = (size_t)shape_count(tensor[i].shape) * dtype_bytes(tensor[i].dtype);
        LT_TRY(path_write_all(fd, tensor[i].data, bytes, path));
    }
    return LT_OK;
}

static enum lt_err write_atomic(const char *path, const char *header, const struct safetensors_tensor *tensor,
                                int count)
{
    int fd;
    char *temporary;
    LT_TRY(path_begin(&fd, &temporary, path));
    enum lt_err err = write_file(fd, path, header, tensor, count);
    if (err == LT_OK) return path_commit(fd, temporary, path);
    path_abort(fd, temporary);
    return err;
}

enum lt_err safetensors_write(const char *path, const struct safetensors_tensor *tensor, int count,
                              const struct safetensors_pair *metadata, int pairs, bool with_checksum)
{
    struct safetensors_pair *sorted = memory_new((size_t)pairs, sizeof *sorted);
    if (pairs) memcpy(sorted, metadata, (size_t)pairs * sizeof *sorted);
    qsort(sorted, (size_t)pairs, sizeof *sorted, by_key);
    json_t *json = json_object();
    for (int i = 0; i < pairs; i++) json_object_set_new(json, sorted[i].key, json_string(sorted[i].value));
    char sum[CHECKSUM_TEXT];
    if (with_checksum) {
        checksum(sum, sorted, pairs, tensor, count);
        json_object_set_new(json, "checksum", json_string(sum));
    }
    json_t *header = header_of(tensor, count, json);
    char *text = json_dumps(header, JSON_COMPACT | JSON_PRESERVE_ORDER);
    enum lt_err err = text ? write_atomic(path, text, tensor, count)
                           : lt_fail(LT_EFORMAT, "%s: a name or value is no UTF-8", path);
    free(text);
    json_decref(header);
    json_decref(json);
    free(sorted);
    return err;
}
