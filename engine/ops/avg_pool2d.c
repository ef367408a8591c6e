#include "engine/ops/pool2d.h"
#include "engine/ops/reference.h"

static double divisor(const struct pool_sizes *s, const struct pool_window *v)
{
    return (double)(s->options.exclude_pad ? (v->h1 - v->h0) * (v->w1 - v->w0) : v->padded);
}

static void forward(const struct call *call, const struct step *step)
{
    const struct pool_sizes s = pool_sizes(call->node);
    for (int64_t y = 0; y < step->n * s.oh * s.ow * s.c; y++) {
        const int64_t n = y / (s.oh * s.ow * s.c);
        const struct pool_window v = pool_window(&s, y / (s.ow * s.c) % s.oh, y / s.c % s.ow);
        double sum = 0;
        for (int64_t h = v.h0; h < v.h1; h++)
            for (int64_t w = v.w0; w < v.w1; w++)
                sum += real_get(call->in[0], ((n * s.h + h) * s.w + w) * s.c + y % s.c);
        real_set(call->out[0], y, sum / divisor(&s, &v));
    }
}

static void backward(const struct call *call, const struct step *step)
{
    const struct pool_sizes s = pool_sizes(call->node);
    for (int64_t i = 0; i < step->n * s.h * s.w * s.c; i++) real_set(call->din[0], i, 0);
    for (int64_t y = 0; y < step->n * s.oh * s.ow * s.c; y++) {
        const int64_t n = y / (s.oh * s.ow * s.c);
        const struct pool_window v = pool_window(&s, y / (s.ow * s.c) % s.oh, y / s.c % s.ow);
        const double share = real_get(call->dout[0], y) / divisor(&s, &v);
        for (int64_t h = v.h0; h < v.h1; h++)
            for (int64_t w = v.w0; w < v.w1; w++) {
                const int64_t x = ((n * s.h + h) * s.w + w) * s.c + y % s.c;
                real_set(call->din[0], x, real_get(call->din[0], x) + share);
            }
    }
}

const struct kernel avg_pool2d_reference = {.forward = forward, .backward = backward};

const struct op op_avg_pool2d = {.name = "avg_pool2d", .infer = pool_infer};

struct value *avg_pool2d(struct graph *g, struct value *x, const char *layer, struct pool_options options)
{
    return pool_node(g, &op_avg_pool2d, x, layer, options);
}
