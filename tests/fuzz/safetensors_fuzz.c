/* Any bytes as a file of tensors: every tensor that it says it has can be read to its last byte, or the file is
 * refused. */
#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void read_all(const struct safetensors *file)
{
    uint8_t sum = 0;
    for (int i = 0; i < safetensors_count(file); i++) {
        struct safetensors_tensor t = safetensors_at(file, i), again;
        size_t size = (size_t)shape_count(t.shape) * dtype_bytes(t.dtype);
        for (size_t k = 0; k < size; k++) sum ^= ((const uint8_t *)t.data)[k];
        if (!safetensors_find(file, t.name, &again) || again.data != t.data) abort();
    }
    const char *text = safetensors_metadata(file, "lathe");
    if (text && strlen(text) + sum == 0 && safetensors_count(file) > 1 << 30) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    char path[64];
    snprintf(path, sizeof path, "/dev/shm/lathe-fuzz-%ld.safetensors", (long)getpid());
    FILE *out = fopen(path, "wb");
    if (!out || fwrite(bytes, 1, length, out) != length) abort();
    fclose(out);
    struct safetensors *file;
    json_t *state;
    if (safetensors_open(&file, path) == LT_OK) {
        read_all(file);
        safetensors_close(file);
    } else if (!strstr(lt_message(), path)) {
        abort(); /* the sentence names the file */
    }
    if (checkpoint_state(&state, path) == LT_OK) json_decref(state);
    unlink(path);
    return 0;
}
