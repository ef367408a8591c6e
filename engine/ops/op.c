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
