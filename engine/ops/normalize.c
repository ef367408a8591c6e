/* Pixels to numbers: torchvision's to_tensor and normalize, (x / 255 - mean) / std, as a table of what 256 values
 * become. */
#include "engine/ops/ops.h"
#include "engine/ops/reference.h"

struct table {
    float value[3][256];
};

static void forward(const struct call *call, const struct step *step)
{
    const struct table *table = call->constant.data;
    const uint8_t *x = call->in[0].data;
    for (int64_t i = 0; i < step->n * row_count(call->in[0]); i++)
        real_set(call->out[0], i, (double)table->value[i % 3][x[i]]);
}

const struct kernel normalize_reference = {.forward = forward};

static enum lt_err infer(struct graph *graph, struct node *node)
{
    const struct value *x = node->in[0];
    char text[128];
    if (x->dtype != DTYPE_U8 || x->shape.rank != 4 || x->shape.size[3] != 3)
        return graph_fail(graph, node->name, LT_ESHAPE, "normalize needs bytes [n, h, w, 3], not %s",
                          shape_text(text, x->shape));
    graph_output(graph, node, DTYPE_REAL, x->shape);
    return LT_OK;
}

static const void *constant(const struct node *node, size_t *bytes)
{
    *bytes = sizeof(struct table);
    return node->options;
}

const struct op op_normalize = {.name = "normalize", .infer = infer, .constant = constant};

struct value *normalize(struct graph *g, struct value *x, const char *layer, const double mean[3], const double std[3])
{
    struct table table;
    for (int c = 0; c < 3; c++) {
        if (!((float)std[c] > 0)) {
            (void)graph_fail(g, layer, LT_EUSAGE, "normalize divides by std, so it must be above 0, not %g", std[c]);
            return NULL;
        }
        for (int v = 0; v < 256; v++) table.value[c][v] = ((float)v / 255.0f - (float)mean[c]) / (float)std[c];
    }
    struct node *node = graph_node(g, &op_normalize, layer, &table, sizeof table, &x, 1);
    return node ? node->out[0] : NULL;
}
