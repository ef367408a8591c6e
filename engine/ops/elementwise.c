#include "engine/ops/elementwise.h"

enum lt_err elementwise_infer(struct graph *graph, struct node *node)
{
    LT_TRY(op_check_input(graph, node->op, node->name, node->in[0], 0));
    graph_output(graph, node, DTYPE_REAL, node->in[0]->shape);
    return LT_OK;
}

void elementwise_forward(const struct call *call, const struct step *step, double (*f)(double x))
{
    int64_t count = step->n * row_count(call->in[0]);
    for (int64_t i = 0; i < count; i++) real_set(call->out[0], i, f(real_get(call->in[0], i)));
}

void elementwise_backward(const struct call *call, const struct step *step, struct tensor v, double (*slope)(double v))
{
    int64_t count = step->n * row_count(call->dout[0]);
    for (int64_t i = 0; i < count; i++) real_set(call->din[0], i, real_get(call->dout[0], i) * slope(real_get(v, i)));
}
