/* What one instruction set offers: kernels by op, flat-memory functions, optimizer updates. Thread: any; constant. */
#pragma once

#include "engine/backends/backend.h"

struct cpu_table {
    const struct kernel *kernel[OP_COUNT];
    struct flat_functions flat;
    update_function *update[OPTIMIZER_COUNT];
};

extern const struct cpu_table cpu_table_avx512, cpu_table_avx2, cpu_table_baseline;

/* Kernels for activations in bfloat16, by op. avx512_bf16 needs that instruction, the others emulate it. */
extern const struct kernel *const cpu_kernels_avx512_bf16[], *const cpu_kernels_avx2_bf16[],
                                                                 *const cpu_kernels_baseline_bf16[];

/* Those that multiply matrices, by AMX's tiles. */
extern const struct kernel attention_cpu_amx_bf16, conv2d_cpu_amx_bf16, conv_norm_cpu_amx_bf16, linear_cpu_amx_bf16;

/* The pool of a cpu device; for flat functions. */
struct pool *cpu_pool(const struct device *device);
