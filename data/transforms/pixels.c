#include "data/transforms/pixels.h"

#include "data/base/isa.h"

extern const struct pixel_kernels pixel_kernels_avx512, pixel_kernels_avx2, pixel_kernels_baseline;

const struct pixel_kernels *pixel_kernels(void)
{
    static const struct pixel_kernels *const tables[ISA_COUNT] = {&pixel_kernels_baseline, &pixel_kernels_avx2,
                                                                  &pixel_kernels_avx512, &pixel_kernels_avx512};
    static const struct pixel_kernels *_Atomic chosen;
    const struct pixel_kernels *kernels = chosen;
    if (kernels) return kernels;
    enum isa isa;
    kernels = tables[isa_choose(&isa) == LT_OK ? isa : ISA_BASELINE];
    chosen = kernels;
    return kernels;
}
