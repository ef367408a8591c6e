#include "engine/ops/ops.h"
#include "engine/ops/reference.h"
#include "engine/ops/spread.h"

static void forward(const struct call *call, const struct step *step)
{
    const struct spread s = spread_of(call->node);
    for (int64_t i = 0; i < step->n * s.row; i++)
        real_set(call->out[0], i, real_get(call->in[0], i) * real_get(call->in[1], spread_index(s, i)));
}

static void backward(const struct call *call, const struct step *step)
{
    const struct spread s = spread_of(call->node);
    const int64_t inner = s.c ? s.row / s.c : 1, count = step->n * s.row;
    for (int64_t k = 0; call->din[1].data && k < count / inner; k++) {
        const int64_t first = s.c ? k / s.c * s.row + k % s.c : k;
        double sum = 0;
        for (int64_t i = 0; i < inner; i++)
            sum += real_get(call->dout[0], first + i * s.c) * real_get(call->in[0], first + i * s.c);
        real_set(call->din[1], k, sum);
    }
    for (int64_t i = 0; call->din[0].data && i < count; i++)
        real_set(call->din[0], i, real_get(call->dout[0], i) * real_get(call->in[1], spread_index(s, i)));
}

const struct kernel mul_reference = {.forward = forward, .backward = backward};

const struct op op_mul = {
    .name = "mul",
    .infer = spread_infer,
    .backward_reads = OP_READS_IN0 | OP_READS_IN1,
    .in_place_forward = true,
    .in_place_backward = true, /* din[1] is formed first */
};

struct value *mul(struct graph *g, struct value *a, struct value *b, const char *layer)
{
    struct value *in[2] = {a, b};
    struct node *node = graph_node(g, &op_mul, layer, NULL, 0, in, 2);
    return node ? node->out[0] : NULL;
}
