#include "engine/ops/spread.h"

struct spread spread_of(const struct node *node)
{
    const struct shape a = node->in[0]->shape;
    const bool same = shape_equal(a, node->in[1]->shape);
    return (struct spread){shape_count(a) / a.size[0], same ? 0 : a.size[3]};
}

enum lt_err spread_infer(struct graph *graph, struct node *node)
{
    const struct shape a = node->in[0]->shape, b = node->in[1]->shape;
    char one[128], two[128];
    for (int i = 0; i < 2; i++) LT_TRY(op_check_input(graph, node->op, node->name, node->in[i], 0));
    const bool spreads = a.rank == 4 && shape_equal(b, SHAPE(a.size[0], 1, 1, a.size[3]));
    if (!spreads && !shape_equal(a, b))
        return graph_fail(graph, node->name, LT_ESHAPE, "%s and %s do not fit together", shape_text(one, a),
                          shape_text(two, b));
    graph_output(graph, node, DTYPE_REAL, a);
    return LT_OK;
}
