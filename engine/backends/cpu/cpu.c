/* The fast CPU backend: kernels for the instruction set that the processor has, work spread over a pool. Parameters are
 * F32, activations F32 or BF16. */
#include "data/base/isa.h"
#include "data/base/memory.h"
#include "engine/backends/cpu/table.h"
#include "engine/backends/host.h"
#include "engine/backends/pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct device {
    struct pool *pool;
    const struct cpu_table *table;
    enum isa isa;
    const struct kernel *bf16[OP_COUNT];
};

struct pool *cpu_pool(const struct device *device)
{
    return device->pool;
}

/* Without instructions for bfloat16 it is emulated. What multiplies matrices is there for tiles, too. */
static void choose_bf16(const struct kernel *bf16[OP_COUNT], enum isa isa)
{
    const bool native = isa >= ISA_AVX512 && __builtin_cpu_supports("avx512bf16");
    const struct kernel *const *kernels = isa == ISA_BASELINE ? cpu_kernels_baseline_bf16
                                          : native            ? cpu_kernels_avx512_bf16
                                                              : cpu_kernels_avx2_bf16;
    memcpy(bf16, kernels, OP_COUNT * sizeof *bf16);
    if (isa != ISA_AMX) return;
    bf16[OP_attention] = &attention_cpu_amx_bf16;
    bf16[OP_conv2d] = &conv2d_cpu_amx_bf16;
    bf16[OP_conv_norm] = &conv_norm_cpu_amx_bf16;
    bf16[OP_linear] = &linear_cpu_amx_bf16;
}

static void close_device(struct device *device)
{
    pool_free(device->pool);
    free(device);
}

static enum lt_err open_device(struct device **out, const struct device_options *options)
{
    struct device *device = memory_new(1, sizeof *device);
    static const struct cpu_table *const tables[ISA_COUNT] = {&cpu_table_baseline, &cpu_table_avx2, &cpu_table_avx512,
                                                              &cpu_table_avx512};
    enum lt_err err = isa_choose(&device->isa);
    device->table = tables[device->isa];
    choose_bf16(device->bf16, device->isa);
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

enum { HUGE_PAGE = 2 << 20 };

struct block {
    char *memory;
    size_t bytes;
};

static void touch_chunk(void *context, int64_t chunk, int thread)
{
    (void)thread;
    const struct block *block = context;
    const size_t begin = (size_t)chunk * HUGE_PAGE, rest = block->bytes - begin;
    memset(block->memory + begin, 0, rest < HUGE_PAGE ? rest : HUGE_PAGE);
}

/* Large blocks ask for huge pages; all of it is touched here, by all threads, not in the first step. */
static void *allocate(struct device *device, size_t bytes)
{
    size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : 256, rounded = (bytes + align - 1) / align * align;
    void *memory = rounded < bytes ? NULL : aligned_alloc(align, rounded);
    if (!memory) return NULL;
    if (align == HUGE_PAGE) madvise(memory, rounded, MADV_HUGEPAGE);
    struct block block = {memory, rounded};
    pool_run(device->pool, (int64_t)((rounded + HUGE_PAGE - 1) / HUGE_PAGE), touch_chunk, &block);
    return memory;
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
    return isa_name(device->isa);
}

const struct backend backend_cpu = {
    .name = "cpu",
    .has_bf16 = true,
    .fuses = true,
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
