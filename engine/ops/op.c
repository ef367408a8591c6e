#include "engine/ops/op.h"

static const struct op *const ops[] = {
#define OP(name) &op_##name,
#include "engine/ops/ops.def"
#undef OP
};

enum op_id op_id(const struct op *op)
{
    for (int i = 0; i < OP_COUNT; i++)
        if (ops[i] == op) return (enum op_id)i;
    lt_panic(__FILE__, __LINE__, "op %s has no row in ops.def", op->name);
}

const struct op *op_at(enum op_id id)
{
    lt_assert(id < OP_COUNT);
    return ops[id];
}

enum lt_err op_check_input(struct graph *graph, const struct op *op, const char *layer, const struct value *x, int rank)
{
    static const char *const wanted[] = {"", " [n]", " [n, c]", " [n, s, c]", " [n, h, w, c]", " of five dimensions"};
    if (x->dtype == DTYPE_REAL && (rank == 0 || x->shape.rank == rank)) return LT_OK;
    char text[128];
    return graph_fail(graph, layer, LT_ESHAPE, "%s needs real numbers%s, not %s%s%s", op->name, wanted[rank],
                      x->dtype == DTYPE_REAL ? "" : dtype_name(x->dtype), x->dtype == DTYPE_REAL ? "" : " ",
                      shape_text(text, x->shape));
}
