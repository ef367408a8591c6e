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

/* erf(x) to 5e-7: a quotient of polynomials on -4 … 4, beyond which it is 1 to float precision. */
static inline vec vec_erf(vec x)
{
    vec c = vec_choose(x < vec_set(-4), vec_set(-4), x);
    c = vec_choose(c > vec_set(4), vec_set(4), c);
    const vec square = c * c;
    vec p = vec_set(-2.72614225801306e-10f), q = vec_set(-1.45660718464996e-05f);
    p = p * square + vec_set(2.77068142495902e-08f);
    p = p * square + vec_set(-2.10102402082508e-06f);
    p = p * square + vec_set(-5.69250639462346e-05f);
    p = p * square + vec_set(-7.34990630326855e-04f);
    p = p * square + vec_set(-2.95459980854025e-03f);
    p = p * square + vec_set(-1.60960333262415e-02f);
    q = q * square + vec_set(-2.13374055278905e-04f);
    q = q * square + vec_set(-1.68282697438203e-03f);
    q = q * square + vec_set(-7.37332916720468e-03f);
    q = q * square + vec_set(-1.42647390514189e-02f);
    return c * p / q;
}

static inline vec gelu_value(vec x)
{
    return vec_set(0.5f) * x * (vec_set(1) + vec_erf(x * vec_set(0.70710678118654752f)));
}
static inline vec gelu_slope(vec x)
{
    return vec_set(0.5f) * (vec_set(1) + vec_erf(x * vec_set(0.70710678118654752f))) +
           x * vec_exp(vec_set(-0.5f) * x * x) * vec_set(0.39894228040143268f);
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

/* Every op that has op->activation stands here: DO(name, …) for each. */
#define ACTIVATIONS(DO, ...)                                                                                           \
    DO(relu, __VA_ARGS__)                                                                                              \
    DO(relu6, __VA_ARGS__)                                                                                             \
    DO(silu, __VA_ARGS__)                                                                                              \
    DO(gelu, __VA_ARGS__)                                                                                              \
    DO(hardsigmoid, __VA_ARGS__)                                                                                       \
    DO(hardswish, __VA_ARGS__)

enum { NO_ACTIVATION = OP_COUNT };

static inline __attribute__((always_inline)) vec activation_value(vec x, const int op)
{
    switch (op) {
#define CASE(name, unused)                                                                                             \
    case OP_##name: return name##_value(x);
        ACTIVATIONS(CASE, x)
#undef CASE
    default: return x;
    }
}

/* dy times the slope at x. */
static inline __attribute__((always_inline)) vec activation_gradient(vec dy, vec x, const int op)
{
    switch (op) {
#define CASE(name, unused)                                                                                             \
    case OP_##name: return dy * name##_slope(x);
        ACTIVATIONS(CASE, x)
#undef CASE
    default: return dy;
    }
}
