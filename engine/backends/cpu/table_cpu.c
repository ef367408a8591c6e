#include "engine/backends/cpu/isa.h"
#include "engine/backends/cpu/table.h"

#define OP(name) extern const struct kernel ISA_NAME(name##_cpu);
#include "engine/ops/ops.def"
#undef OP
#if defined(LATHE_BF16)
const struct kernel *const ISA_NAME(cpu_kernels)[OP_COUNT] = {
#define OP(name) [OP_##name] = &ISA_NAME(name##_cpu),
#include "engine/ops/ops.def"
#undef OP
};
#else
#define OPTIMIZER(name) void ISA_NAME(name##_update)(const struct optimizer_call *call);
#include "engine/optim/optimizers.def"
#undef OPTIMIZER
void ISA_NAME(flat_accumulate)(struct device *d, enum dtype real, void *to, const void *from, int64_t count, int first);
void ISA_NAME(flat_square_sums)(struct device *d, enum dtype real, double *out, const void *gradient,
                                const struct segment *segment, int64_t segments);
void ISA_NAME(flat_counts)(struct device *d, enum dtype real, const struct flat_counts *out, const void *gradient,
                           const struct segment *segment, int64_t segments);
void ISA_NAME(flat_changes)(struct device *d, enum dtype real, const struct flat_changes *out, const void *after,
                            const struct segment *segment, int64_t segments);
void ISA_NAME(flat_clip_factor)(struct device *d, double *factor, const double *square_sum, double max_norm);
void ISA_NAME(flat_clip)(struct device *d, enum dtype real, void *gradient, int64_t count, const double *factor,
                         double max_value);

const struct cpu_table ISA_NAME(cpu_table) = {
    .kernel =
        {
#define OP(name) [OP_##name] = &ISA_NAME(name##_cpu),
#include "engine/ops/ops.def"
#undef OP
        },
    .flat = {.accumulate = ISA_NAME(flat_accumulate),
             .square_sums = ISA_NAME(flat_square_sums),
             .counts = ISA_NAME(flat_counts),
             .changes = ISA_NAME(flat_changes),
             .clip_factor = ISA_NAME(flat_clip_factor),
             .clip = ISA_NAME(flat_clip)},
    .update =
        {
#define OPTIMIZER(name) [OPTIMIZER_##name] = ISA_NAME(name##_update),
#include "engine/optim/optimizers.def"
#undef OPTIMIZER
        },
};
#endif
