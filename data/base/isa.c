#include "data/base/isa.h"

#include <cpuid.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

const char *isa_name(enum isa isa)
{
    static const char *const names[ISA_COUNT] = {"baseline", "avx2", "avx512", "amx"};
    return names[isa];
}

/* Tiles are large, so Linux wants to be asked before a process uses them. */
static bool ask_for_tiles(void)
{
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18, BF16_BIT = 22, TILE_BIT = 24 };
    unsigned a, b, c, features = 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &features)) return false;
    const bool has = features >> BF16_BIT & 1 && features >> TILE_BIT & 1;
    return has && syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

/* Asked once: CPUID is slow in a virtual machine. */
static bool may_use_tiles(void)
{
    enum { UNKNOWN, NO, YES };
    static _Atomic int answer;
    if (answer == UNKNOWN) answer = ask_for_tiles() ? YES : NO;
    return answer == YES;
}

static bool supports(enum isa isa)
{
    if (isa == ISA_BASELINE) return true;
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    if (isa == ISA_AVX2) return avx2;
    if (isa == ISA_AMX) return supports(ISA_AVX512) && __builtin_cpu_supports("avx512bf16") && may_use_tiles();
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
    return lt_fail(LT_EUSAGE, "LATHE_ISA=%s: there are amx, avx512, avx2 and baseline", forced);
}
