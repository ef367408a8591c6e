/* The activations on vectors: value and slope at x. A kernel that does one behind its own work calls them with a
 * constant op, so that each gets a loop of its own. NaN passes through all of them. Included by *_cpu.c only. */
#pragma once

#include "engine/backends/cpu/isa.h"
#include "engine/ops/op.h"

/* a where the mask is set, else b. */
static inline vec vec_choose(ivec mask, vec a, vec b)
{
    return (vec)(((ivec)a & mask) | ((ivec)b & ~mask));
}

static inline vec relu_value(vec x)
{
    return vec_choose(x < vec_set(0), vec_set(0), x);
}
static inline vec relu_slope(vec x)
{
    return vec_choose(x <= vec_set(0), vec_set(0), vec_set(1));
}

static inline vec relu6_value(vec x)
{
    vec low = relu_value(x);
    return vec_choose(low > vec_set(6), vec_set(6), low);
}
static inline vec relu6_slope(vec x)
{
    return vec_choose((x <= vec_set(0)) | (x >= vec_set(6)), vec_set(0), vec_set(1));
}

static inline vec silu_value(vec x)
{
    return x * vec_sigmoid(x);
}
static inline vec silu_slope(vec x)
{
    vec s = vec_sigmoid(x);
    return s * (vec_set(1) + x * (vec_set(1) - s));
}

static inline vec hardsigmoid_value(vec x)
{
    vec y = (x + vec_set(3)) * vec_set(1.0f / 6);
    y = vec_choose(x <= vec_set(-3), vec_set(0), y);
    return vec_choose(x >= vec_set(3), vec_set(1), y);
}
static inline vec hardsigmoid_slope(vec x)
{
    return vec_choose((x <= vec_set(-3)) | (x >= vec_set(3)), vec_set(0), x * vec_set(0) + vec_set(1.0f / 6));
}

static inline vec hardswish_value(vec x)
{
    return x * hardsigmoid_value(x);
}
static inline vec hardswish_slope(vec x)
{
    vec slope = x * vec_set(1.0f / 3) + vec_set(0.5f);
    slope = vec_choose(x <= vec_set(-3), vec_set(0), slope);
    return vec_choose(x >= vec_set(3), vec_set(1), slope);
}

/* Every op that has op->activation stands here: DO(name) for each. */
#define ACTIVATIONS(DO) DO(relu) DO(relu6) DO(silu) DO(hardsigmoid) DO(hardswish)

enum { NO_ACTIVATION = OP_COUNT };

static inline __attribute__((always_inline)) vec activation_value(vec x, const int op)
{
    switch (op) {
#define CASE(name)                                                                                                     \
    case OP_##name: return name##_value(x);
        ACTIVATIONS(CASE)
#undef CASE
    default: return x;
    }
}

/* dy times the slope at x. */
static inline __attribute__((always_inline)) vec activation_gradient(vec dy, vec x, const int op)
{
    switch (op) {
#define CASE(name)                                                                                                     \
    case OP_##name: return dy * name##_slope(x);
        ACTIVATIONS(CASE)
#undef CASE
    default: return dy;
    }
}
