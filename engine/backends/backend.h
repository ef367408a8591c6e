/* The seam between plans and devices: memory, streams, events, and a kernel per op. All calls are asynchronous in form:
 * work is ordered within a stream, results are there after an event was waited for. The cpu backends run each call at
 * once, so their streams and events are trivially in order. Backends know no op; ops know no backend but their own
 * kernels. Thread: one device belongs to one thread (the trainer's). */
#pragma once

#include "data/base/err.h"
#include "data/base/rng.h"
#include "engine/ops/op.h"
#include "engine/optim/optimizer.h"

#include <stdint.h>

struct device; /* opened by a backend; each backend has its own body */
struct pool;   /* engine/backends/pool.h */

struct device_options {
    int threads; /* compute threads; 0 = all cores */
};

struct backend {
    const char *name;
    bool has_f64, has_bf16;
    bool fuses; /* it has kernels for what engine/graph/fuse.h makes */
    enum lt_err (*open)(struct device **device, const struct device_options *options);
    void (*close)(struct device *device);
    int (*threads)(const struct device *device);

    /* Device memory, aligned to 256 bytes, zeroed; NULL when it does not fit. */
    void *(*allocate)(struct device *device, size_t bytes);
    void (*release)(struct device *device, void *memory);

    /* Copies between host and device, ordered with the kernels; host memory must stay until synchronize. */
    void (*copy_in)(struct device *device, void *to_device, const void *from_host, size_t bytes);
    void (*copy_out)(struct device *device, void *to_host, const void *from_device, size_t bytes);
    void (*fill_zero)(struct device *device, void *memory, size_t bytes);

    /* Waits until everything asked for so far is done. */
    void (*synchronize)(struct device *device);

    /* Lends the kernels of an op, NULL when this backend has none (the plan refuses the op by name); `bf16`: those for
     * activations in bfloat16. */
    const struct kernel *(*kernel)(const struct device *device, enum op_id op, bool bf16);

    /* Lends the flat-memory functions that passes over the plan use; see engine/backends/flat.h. */
    const struct flat_functions *(*flat)(const struct device *device);

    /* Lends the update of an optimizer (row of optim/optimizers.def), NULL when this backend has none. */
    update_function *(*update)(const struct device *device, int optimizer_id);

    /* The pool that kernels of this device spread work over; NULL where threads mean nothing. */
    struct pool *(*pool)(const struct device *device);

    /* How the instruction set is named in records ("avx512"); same seed, build and this name give the same bits. */
    const char *(*instruction_set)(const struct device *device);
};

/* Rows of backends.def. */
#define BACKEND(name) extern const struct backend backend_##name;
#include "engine/backends/backends.def"
#undef BACKEND

/* Finds by name; NULL when there is none. */
const struct backend *backend_find(const char *name);

/* What kernels may look at while a step runs. Pointers are to device memory where said. */
struct step {
    struct device *device;
    struct pool *pool;
    int64_t n; /* samples really in this batch, <= capacity */
    bool training;
    struct rng_key key; /* RNG_DROPOUT stream of the run's seed */
    uint32_t epoch;
    const int64_t *sample; /* device [capacity]: index of each sample in its set; keys dropout masks */
    const double
        *loss_weight; /* device scalar: weight of one sample's loss in the gradient, 1 / samples of the window */
};
