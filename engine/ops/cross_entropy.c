/* torch.nn.functional.cross_entropy of one sample: sum over classes of q (logsumexp(z) - z), where q is
 * (1 - s) [k = target] + s / classes. A row whose target is -1 is padding: its loss and gradient are 0. */
#include "engine/ops/ops.h"
#include "engine/ops/reference.h"

#include <math.h>

struct smoothing {
    double s;
};

/* log(sum exp(z)) of a row, safe for large z; the index of the first maximum in *best. */
static double log_sum(const struct call *call, int64_t n, int64_t classes, int64_t *best)
{
    *best = 0;
    for (int64_t k = 1; k < classes; k++)
        if (real_get(call->in[0], n * classes + k) > real_get(call->in[0], n * classes + *best)) *best = k;
    const double most = real_get(call->in[0], n * classes + *best);
    double sum = 0;
    for (int64_t k = 0; k < classes; k++) sum += exp(real_get(call->in[0], n * classes + k) - most);
    return most + log(sum);
}

static double wanted(const struct smoothing *o, int64_t k, int64_t target, int64_t classes)
{
    return (k == target ? 1 - o->s : 0) + o->s / (double)classes;
}

static void forward(const struct call *call, const struct step *step)
{
    const struct smoothing *o = call->node->options;
    const int64_t classes = call->in[0].shape.size[1];
    const int32_t *target = call->in[1].data;
    for (int64_t n = 0; n < step->n; n++) {
        int64_t best;
        const double all = log_sum(call, n, classes, &best);
        double loss = 0;
        for (int64_t k = 0; target[n] >= 0 && k < classes; k++) {
            const double q = wanted(o, k, target[n], classes);
            if (q > 0) loss += q * (all - real_get(call->in[0], n * classes + k));
        }
        real_set(call->out[0], n, loss);
        ((int32_t *)call->out[1].data)[n] = (int32_t)best;
    }
}

static void backward(const struct call *call, const struct step *step)
{
    const struct smoothing *o = call->node->options;
    const int64_t classes = call->in[0].shape.size[1];
    const int32_t *target = call->in[1].data;
    for (int64_t n = 0; n < step->n; n++) {
        int64_t best;
        const double all = log_sum(call, n, classes, &best);
        for (int64_t k = 0; k < classes; k++) {
            const double share = exp(real_get(call->in[0], n * classes + k) - all);
            const double slope = target[n] < 0 ? 0 : share - wanted(o, k, target[n], classes);
            real_set(call->din[0], n * classes + k, *step->loss_weight * slope);
        }
    }
}

const struct kernel cross_entropy_reference = {.forward = forward, .backward = backward};

static enum lt_err infer(struct graph *graph, struct node *node)
{
    const struct shape z = node->in[0]->shape, t = node->in[1]->shape;
    char one[128], two[128];
    LT_TRY(op_check_input(graph, node->op, node->name, node->in[0], 2));
    if (t.rank != 1 || t.size[0] != z.size[0] || node->in[1]->dtype != DTYPE_I32)
        return graph_fail(graph, node->name, LT_ESHAPE,
                          "cross entropy needs logits [n, k] and i32 targets [n], not %s and %s", shape_text(one, z),
                          shape_text(two, t));
    graph_output(graph, node, DTYPE_STATISTIC, t);
    graph_output(graph, node, DTYPE_I32, t);
    return LT_OK;
}

const struct op op_cross_entropy = {
    .name = "cross_entropy",
    .infer = infer,
    .backward_reads = OP_READS_IN0 | OP_READS_IN1,
};

struct value *cross_entropy(struct graph *g, struct value *logits, struct value *target, const char *layer,
                            double label_smoothing)
{
    const struct smoothing options = {label_smoothing};
    struct value *in[2] = {logits, target};
    if (!(label_smoothing >= 0 && label_smoothing <= 1)) {
        (void)graph_fail(g, layer, LT_EUSAGE, "label smoothing goes from 0 to 1, not %g", label_smoothing);
        return NULL;
    }
    struct node *node = graph_node(g, &op_cross_entropy, layer, &options, sizeof options, in, 2);
    return node ? node->out[0] : NULL;
}
