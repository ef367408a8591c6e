/* The oracle: plain loops, one thread, double and float. Every test measures the other backends against it. */
#include "data/base/memory.h"
#include "engine/backends/backend.h"
#include "engine/backends/host.h"
#include "engine/backends/reference/flat.h"

#include <stdlib.h>
#include <string.h>

#define OP(name) extern const struct kernel name##_reference;
#include "engine/ops/ops.def"
#undef OP

static const struct kernel *const kernels[OP_COUNT] = {
#define OP(name) [OP_##name] = &name##_reference,
#include "engine/ops/ops.def"
#undef OP
};

struct device {
    int unused; /* there is nothing to keep */
};

static enum lt_err open_device(struct device **device, const struct device_options *options)
{
    (void)options;
    *device = memory_new(1, sizeof **device);
    return LT_OK;
}

static void close_device(struct device *device)
{
    free(device);
}

static int threads(const struct device *device)
{
    (void)device;
    return 1;
}

static void *allocate(struct device *device, size_t bytes)
{
    (void)device;
    const size_t rounded = (bytes + 255) / 256 * 256;
    void *memory = rounded < bytes ? NULL : aligned_alloc(256, rounded);
    if (memory) memset(memory, 0, rounded);
    return memory;
}

static const struct kernel *kernel(const struct device *device, enum op_id op, bool bf16)
{
    (void)device, (void)bf16;
    return kernels[op];
}

static const struct flat_functions *flat(const struct device *device)
{
    (void)device;
    return &flat_reference;
}

static update_function *update(const struct device *device, int optimizer_id)
{
    (void)device;
    return optimizer_at(optimizer_id)->reference;
}

static struct pool *pool(const struct device *device)
{
    (void)device;
    return NULL;
}

static const char *instruction_set(const struct device *device)
{
    (void)device;
    return "reference";
}

const struct backend backend_reference = {
    .name = "reference",
    .has_f64 = true,
    .open = open_device,
    .close = close_device,
    .threads = threads,
    .allocate = allocate,
    .release = host_release,
    .copy_in = host_copy,
    .copy_out = host_copy,
    .fill_zero = host_fill_zero,
    .synchronize = host_synchronize,
    .kernel = kernel,
    .flat = flat,
    .update = update,
    .pool = pool,
    .instruction_set = instruction_set,
};
