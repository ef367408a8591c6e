/* The tokens of a vision transformer (Dosovitskiy et al., 2020): the class token, then one for each patch, and on each
 * its position's embedding. */
#include "engine/ops/ops.h"
#include "engine/ops/reference.h"

static void forward(const struct call *call, const struct step *step)
{
    const int64_t s = call->out[0].shape.size[1], d = call->out[0].shape.size[2];
    for (int64_t i = 0; i < step->n * s * d; i++) {
        const int64_t n = i / (s * d), token = i / d % s, k = i % d;
        const double x = token == 0 ? real_get(call->in[1], k)
                                    : real_get(call->in[0], (n * (s - 1) + token - 1) * d + k);
        real_set(call->out[0], i, x + real_get(call->in[2], token * d + k));
    }
}

static void backward(const struct call *call, const struct step *step)
{
    const int64_t s = call->dout[0].shape.size[1], d = call->dout[0].shape.size[2];
    for (int64_t i = 0; call->din[2].data && i < s * d; i++) {
        double sum = 0;
        for (int64_t n = 0; n < step->n; n++) sum += real_get(call->dout[0], n * s * d + i);
        real_set(call->din[2], i, sum);
    }
    for (int64_t k = 0; call->din[1].data && k < d; k++) {
        double sum = 0;
        for (int64_t n = 0; n < step->n; n++) sum += real_get(call->dout[0], n * s * d + k);
        real_set(call->din[1], k, sum);
    }
    for (int64_t i = 0; call->din[0].data && i < step->n * (s - 1) * d; i++) {
        const int64_t n = i / ((s - 1) * d), within = i % ((s - 1) * d);
        real_set(call->din[0], i, real_get(call->dout[0], n * s * d + d + within));
    }
}

const struct kernel tokens_reference = {.forward = forward, .backward = backward};

static enum lt_err infer(struct graph *graph, struct node *node)
{
    const int64_t *positions = node->in[2]->shape.size;
    graph_output(graph, node, DTYPE_REAL, SHAPE(node->in[0]->shape.size[0], positions[1], positions[2]));
    return LT_OK;
}

const struct op op_tokens = {.name = "tokens", .infer = infer};

struct value *tokens(struct graph *g, struct value *x, const char *class_token, const char *positions)
{
    if (x == NULL || op_check_input(g, &op_tokens, class_token, x, 4) != LT_OK) return NULL;
    const int64_t *size = x->shape.size, d = size[3];
    struct value *in[3] = {x};
    in[1] = graph_parameter(g, "", class_token, SHAPE(1, 1, d), (struct init){INIT_ZEROS, 0});
    in[2] = graph_parameter(g, "", positions, SHAPE(1, 1 + size[1] * size[2], d), (struct init){INIT_NORMAL, 0.02});
    struct node *node = graph_node(g, &op_tokens, positions, NULL, 0, in, 3);
    return node ? node->out[0] : NULL;
}
