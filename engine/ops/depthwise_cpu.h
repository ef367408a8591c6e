/* Depthwise convolutions (one input and one output channel per group) on the cpu backend: channels are the vector.
 * Included by *_cpu.c only. Thread: the kernel's. */
#pragma once

#include "engine/backends/backend.h"
#include "engine/backends/cpu/isa.h"
#include "engine/ops/conv2d.h"

/* Larger kernels and wider strides go the general way. */
enum { DEPTHWISE_SIDE_MAX = 16, DEPTHWISE_STRIDE_MAX = 8 };

static inline bool is_depthwise(const struct conv2d_sizes *s)
{
    return s->ci == 1 && s->co == 1 && s->groups > 1 && s->kh <= DEPTHWISE_SIDE_MAX && s->kw <= DEPTHWISE_SIDE_MAX &&
           s->sw <= DEPTHWISE_STRIDE_MAX;
}

/* Where products are multiplied by tiles, these are still those of AVX-512. */
#if defined(__AMX_BF16__)
#define DEPTHWISE(name) name##_avx512_bf16
#else
#define DEPTHWISE(name) ISA_NAME(name)
#endif
void DEPTHWISE(depthwise_forward)(const struct call *call, const struct step *step);
void DEPTHWISE(depthwise_backward)(const struct call *call, const struct step *step);
size_t DEPTHWISE(depthwise_workspace)(const struct node *node, int threads);
