/* The fast CPU backend: kernels for the instruction set that the processor has, work spread over a pool. Parameters are
 * F32, activations F32 or BF16. */
#include "data/base/memory.h"
#include "engine/backends/cpu/table.h"
#include "engine/backends/pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct device {
    struct pool *pool;
    const struct cpu_table *table;
    const struct kernel *const *bf16; /* kernels, by op */
};

struct pool *cpu_pool(const struct device *device)
{
    return device->pool;
}

static bool supports(const struct cpu_table *table)
{
    if (table == &cpu_table_baseline) return true;
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (table == &cpu_table_avx2) return avx2;
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

/* The best the processor has, or the one that LATHE_ISA names. */
static enum lt_err choose(const struct cpu_table **chosen)
{
    static const struct cpu_table *const tables[] = {&cpu_table_avx512, &cpu_table_avx2, &cpu_table_baseline};
    const char *forced = getenv("LATHE_ISA");
    for (int i = 0; i < 3; i++) {
        if (forced && strcmp(forced, tables[i]->name) != 0) continue;
        if (supports(tables[i])) return *chosen = tables[i], LT_OK;
        if (forced)
            return lt_fail(LT_EUNSUPPORTED, "LATHE_ISA=%s: this processor does not have it; unset LATHE_ISA", forced);
    }
    return lt_fail(LT_EUSAGE, "LATHE_ISA=%s: there are avx512, avx2 and baseline", forced);
}

/* Without instructions for bfloat16 it is emulated. */
static const struct kernel *const *choose_bf16(const struct cpu_table *table)
{
    if (table == &cpu_table_baseline) return cpu_kernels_baseline_bf16;
    if (table == &cpu_table_avx512 && __builtin_cpu_supports("avx512bf16")) return cpu_kernels_avx512_bf16;
    return cpu_kernels_avx2_bf16;
}

static void close_device(struct device *device)
{
    pool_free(device->pool);
    free(device);
}

static enum lt_err open_device(struct device **out, const struct device_options *options)
{
    struct device *device = memory_new(1, sizeof *device);
    enum lt_err err = choose(&device->table);
    if (err == LT_OK) device->bf16 = choose_bf16(device->table);
    if (err == LT_OK) err = pool_new(&device->pool, options->threads);
    if (err == LT_OK)
        *out = device;
    else
        close_device(device);
    return err;
}

static int threads(const struct device *device)
{
    return pool_threads(device->pool);
}

/* Large blocks ask for huge pages; all of it is touched here, not in the first step. */
static void *allocate(struct device *device, size_t bytes)
{
    (void)device;
    enum { HUGE_PAGE = 2 << 20 };
    size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : 256, rounded = (bytes + align - 1) / align * align;
    void *memory = rounded < bytes ? NULL : aligned_alloc(align, rounded);
    if (!memory) return NULL;
    if (align == HUGE_PAGE) madvise(memory, rounded, MADV_HUGEPAGE);
    memset(memory, 0, rounded);
    return memory;
}

static void release(struct device *device, void *memory)
{
    (void)device;
    free(memory);
}

static void copy(struct device *device, void *to, const void *from, size_t bytes)
{
    (void)device;
    memcpy(to, from, bytes);
}

static void fill_zero(struct device *device, void *memory, size_t bytes)
{
    (void)device;
    memset(memory, 0, bytes);
}

static void synchronize(struct device *device)
{
    (void)device;
}

static const struct kernel *kernel(const struct device *device, enum op_id op, bool bf16)
{
    return bf16 ? device->bf16[op] : device->table->kernel[op];
}

static const struct flat_functions *flat(const struct device *device)
{
    return &device->table->flat;
}

static update_function *update(const struct device *device, int optimizer_id)
{
    return device->table->update[optimizer_id];
}

static struct pool *pool(const struct device *device)
{
    return device->pool;
}

static const char *instruction_set(const struct device *device)
{
    return device->table->name;
}

const struct backend backend_cpu = {
    .name = "cpu",
    .has_bf16 = true,
    .fuses = true,
    .open = open_device,
    .close = close_device,
    .threads = threads,
    .allocate = allocate,
    .release = release,
    .copy_in = copy,
    .copy_out = copy,
    .fill_zero = fill_zero,
    .synchronize = synchronize,
    .kernel = kernel,
    .flat = flat,
    .update = update,
    .pool = pool,
    .instruction_set = instruction_set,
};
