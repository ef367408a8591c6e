/* The inner loop of Adam and AdamW on the cpu backend; formulas in adam.h. Included by *_cpu.c only. */
#pragma once

#include "engine/optim/adam.h"

#include <math.h>

static inline void adam_piece(const struct optimizer_call *call, const struct segment *piece, struct adam_scalars s)
{
    const float keep = (float)s.keep, decay = (float)s.decay, first = (float)s.first, beta2 = (float)s.beta2;
    const float second = (float)s.second, step = (float)s.minus_step_size, root = (float)s.root, eps = (float)s.eps;
    float *restrict p = (float *)call->parameter + piece->offset;
    float *restrict m = (float *)call->state[0] + piece->offset, *restrict v = (float *)call->state[1] + piece->offset;
    const float *restrict gradient = (const float *)call->gradient + piece->offset;
    for (int64_t i = 0; i < piece->count; i++) {
        const float kept = p[i] * keep, g = gradient[i] + decay * kept, difference = g - m[i];
        m[i] = first < 0.5f ? m[i] + first * difference : g - difference * (1 - first);
        v[i] = v[i] * beta2 + second * g * g;
        p[i] = kept + step * m[i] / (sqrtf(v[i]) / root + eps);
    }
}
