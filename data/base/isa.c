#include "data/base/isa.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const char *isa_name(enum isa isa)
{
    static const char *const names[ISA_COUNT] = {"baseline", "avx2", "avx512"};
    return names[isa];
}

static bool supports(enum isa isa)
{
    if (isa == ISA_BASELINE) return true;
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    if (isa == ISA_AVX2) return avx2;
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

enum lt_err isa_choose(enum isa *isa)
{
    const char *forced = getenv("LATHE_ISA");
    for (int i = ISA_COUNT; i-- > 0;) {
        if (forced && strcmp(forced, isa_name((enum isa)i)) != 0) continue;
        if (supports((enum isa)i)) return *isa = (enum isa)i, LT_OK;
        if (forced)
            return lt_fail(LT_EUNSUPPORTED, "LATHE_ISA=%s: this processor does not have it; unset LATHE_ISA", forced);
    }
    return lt_fail(LT_EUSAGE, "LATHE_ISA=%s: there are avx512, avx2 and baseline", forced);
}
