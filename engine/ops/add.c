#include "engine/ops/ops.h"
#include "engine/ops/reference.h"
#include "engine/ops/spread.h"

static void forward(const struct call *call, const struct step *step)
{
    const struct spread s = spread_of(call->node);
    for (int64_t i = 0; i < step->n * s.row; i++)
        real_set(call->out[0], i, real_get(call->in[0], i) + real_get(call->in[1], spread_index(s, i)));
}

static void backward(const struct call *call, const struct step *step)
{
    const struct spread s = spread_of(call->node);
    for (int64_t i = 0; call->din[1].data && s.c == 0 && i < step->n * s.row; i++)
        real_set(call->din[1], i, real_get(call->dout[0], i));
    for (int64_t k = 0; call->din[1].data && s.c != 0 && k < step->n * s.c; k++) {
        double sum = 0;
        for (int64_t i = k % s.c; i < s.row; i += s.c) sum += real_get(call->dout[0], k / s.c * s.row + i);
        real_set(call->din[1], k, sum);
    }
    for (int64_t i = 0; call->din[0].data && i < step->n * s.row; i++)
        real_set(call->din[0], i, real_get(call->dout[0], i));
}

const struct kernel add_reference = {.forward = forward, .backward = backward};

const struct op op_add = {
    .name = "add",
    .infer = spread_infer,
    .in_place_forward = true,
    .in_place_backward = true,
};

struct value *add(struct graph *g, struct value *a, struct value *b, const char *layer)
{
    struct value *in[2] = {a, b};
    struct node *node = graph_node(g, &op_add, layer, NULL, 0, in, 2);
    return node ? node->out[0] : NULL;
}
