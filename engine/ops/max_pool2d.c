/* saved[0]: i32, which element h * W + w of the picture was the maximum (the first of equals; NaN wins), as torch's
 * indices. */
#include "engine/ops/pool2d.h"
#include "engine/ops/reference.h"

static void pick(const struct call *call, const struct pool_sizes *s, const struct pool_window *v, const int64_t at[3])
{
    const int64_t n = at[0], y = at[1], c = at[2];
    double best = 0;
    int64_t best_at = -1;
    for (int64_t h = v->h0; h < v->h1; h++)
        for (int64_t w = v->w0; w < v->w1; w++) {
            const double x = real_get(call->in[0], ((n * s->h + h) * s->w + w) * s->c + c);
            if (best_at >= 0 && !(x > best || x != x)) continue;
            best = x, best_at = h * s->w + w;
        }
    real_set(call->out[0], y, best);
    ((int32_t *)call->saved[0].data)[y] = (int32_t)best_at;
}

static void forward(const struct call *call, const struct step *step)
{
    const struct pool_sizes s = pool_sizes(call->node);
    int64_t at[3] = {0, 0, 0};
    for (at[0] = 0; at[0] < step->n; at[0]++)
        for (int64_t oh = 0; oh < s.oh; oh++)
            for (int64_t ow = 0; ow < s.ow; ow++) {
                const struct pool_window v = pool_window(&s, oh, ow);
                for (at[2] = 0; at[2] < s.c; at[2]++, at[1]++) pick(call, &s, &v, at);
            }
}

/* Each output's gradient goes to its maximum. */
static void backward(const struct call *call, const struct step *step)
{
    const struct pool_sizes s = pool_sizes(call->node);
    const int32_t *index = call->saved[0].data;
    for (int64_t i = 0; i < step->n * s.h * s.w * s.c; i++) real_set(call->din[0], i, 0);
    for (int64_t y = 0; y < step->n * s.oh * s.ow * s.c; y++) {
        const int64_t n = y / (s.oh * s.ow * s.c), x = (n * s.h * s.w + index[y]) * s.c + y % s.c;
        real_set(call->din[0], x, real_get(call->din[0], x) + real_get(call->dout[0], y));
    }
}

const struct kernel max_pool2d_reference = {.forward = forward, .backward = backward};

static enum lt_err infer(struct graph *graph, struct node *node)
{
    LT_TRY(pool_infer(graph, node));
    graph_saved(graph, node, DTYPE_I32, node->out[0]->shape);
    return LT_OK;
}

const struct op op_max_pool2d = {.name = "max_pool2d", .infer = infer};

struct value *max_pool2d(struct graph *g, struct value *x, const char *layer, struct pool_options options)
{
    return pool_node(g, &op_max_pool2d, x, layer, options);
}
