#include "data/transforms/pixels.h"

#include "data/base/isa.h"

#include <stdbool.h>

extern const struct pixel_kernels pixel_kernels_avx512, pixel_kernels_avx2, pixel_kernels_baseline;

static const struct pixel_kernels *choose(void)
{
    const bool has_bytes = __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni");
    enum isa isa;
    if (isa_choose(&isa) != LT_OK || isa == ISA_BASELINE) return &pixel_kernels_baseline;
    return isa >= ISA_AVX512 && has_bytes ? &pixel_kernels_avx512 : &pixel_kernels_avx2;
}

const struct pixel_kernels *pixel_kernels(void)
{
    static const struct pixel_kernels *_Atomic chosen;
    const struct pixel_kernels *kernels = chosen;
    if (kernels) return kernels;
    kernels = choose();
    chosen = kernels;
    return kernels;
}
