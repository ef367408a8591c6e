/* Instruction sets. Files ending in _cpu.c are compiled once for each, with LATHE_ISA = avx512, avx2 and baseline (and
 * more names in engine/backends/cpu/isa.h); ISA_NAME makes their names differ. At run time one is chosen. Thread: any.
 */
#pragma once

#include "data/base/err.h"

#define ISA_JOIN2(name, isa) name##_##isa
#define ISA_JOIN(name, isa)  ISA_JOIN2(name, isa)
#define ISA_NAME(name)       ISA_JOIN(name, LATHE_ISA)

/* The least first; isa_name gives "baseline" and so on. AMX is AVX-512 with tiles for products of bfloat16. */
enum isa { ISA_BASELINE, ISA_AVX2, ISA_AVX512, ISA_AMX, ISA_COUNT };
const char *isa_name(enum isa isa);

/* The best that the processor has, or the one that LATHE_ISA in the environment names. */
enum lt_err isa_choose(enum isa *isa) LT_MUST_CHECK;
