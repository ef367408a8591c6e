/* torch's scaled_dot_product_attention of every head (Vaswani et al., 2017): softmax(q k^T / sqrt(width)) v. */
#include "engine/ops/attention.h"

#include "engine/ops/ops.h"
#include "engine/ops/reference.h"

#include <math.h>

struct attention_sizes attention_sizes(const struct node *node)
{
    const struct attention_numbers *o = node->options;
    const int64_t *x = node->in[0]->shape.size;
    return (struct attention_sizes){x[1], x[2] / 3, o->heads, x[2] / 3 / o->heads};
}

/* One head of one sample. */
struct head {
    const struct call *call;
    struct attention_sizes z;
    int64_t n, h;
};

/* Element (token, feature) of query (0), key (1) or value (2). */
static int64_t at(const struct head *self, int which, int64_t token, int64_t k)
{
    const struct attention_sizes *z = &self->z;
    return ((self->n * z->s + token) * 3 + which) * z->d + self->h * z->width + k;
}
static int64_t out_at(const struct head *self, int64_t token, int64_t k)
{
    return (self->n * self->z.s + token) * self->z.d + self->h * self->z.width + k;
}
static int64_t row_at(const struct head *self, int64_t token)
{
    return (self->n * self->z.heads + self->h) * self->z.s + token;
}

static double score(const struct head *self, int64_t i, int64_t j)
{
    const struct tensor x = self->call->in[0];
    double sum = 0;
    for (int64_t k = 0; k < self->z.width; k++) sum += real_get(x, at(self, 0, i, k)) * real_get(x, at(self, 1, j, k));
    return sum / sqrt((double)self->z.width);
}

static double probability(const struct head *self, int64_t i, int64_t j)
{
    return exp(score(self, i, j) - real_get(self->call->saved[0], row_at(self, i)));
}

static void forward_row(const struct head *self, int64_t i)
{
    double largest = -INFINITY, sum = 0;
    for (int64_t j = 0; j < self->z.s; j++) largest = fmax(largest, score(self, i, j));
    for (int64_t j = 0; j < self->z.s; j++) sum += exp(score(self, i, j) - largest);
    real_set(self->call->saved[0], row_at(self, i), largest + log(sum));
    for (int64_t k = 0; k < self->z.width; k++) {
        double y = 0;
        for (int64_t j = 0; j < self->z.s; j++)
            y += exp(score(self, i, j) - largest) / sum * real_get(self->call->in[0], at(self, 2, j, k));
        real_set(self->call->out[0], out_at(self, i, k), y);
    }
}

/* Adds to element (which, token, feature) of the gradient. */
static void accumulate(const struct head *self, int which, int64_t token, int64_t k, double value)
{
    const struct tensor dx = self->call->din[0];
    real_set(dx, at(self, which, token, k), real_get(dx, at(self, which, token, k)) + value);
}

static double slope(const struct head *self, int64_t i, int64_t j)
{
    double sum = 0;
    for (int64_t k = 0; k < self->z.width; k++)
        sum += real_get(self->call->dout[0], out_at(self, i, k)) * real_get(self->call->in[0], at(self, 2, j, k));
    return sum;
}

/* ds = p (dp - sum over the row of p dp), dp = dy v^T; dq = ds k, dk = ds^T q (both over sqrt(width)), dv = p^T dy. */
static void backward_row(const struct head *self, int64_t i)
{
    const struct tensor x = self->call->in[0];
    double mean = 0;
    for (int64_t j = 0; j < self->z.s; j++) mean += probability(self, i, j) * slope(self, i, j);
    for (int64_t j = 0; j < self->z.s; j++) {
        const double p = probability(self, i, j), ds = p * (slope(self, i, j) - mean) / sqrt((double)self->z.width);
        for (int64_t k = 0; k < self->z.width; k++) {
            accumulate(self, 0, i, k, ds * real_get(x, at(self, 1, j, k)));
            accumulate(self, 1, j, k, ds * real_get(x, at(self, 0, i, k)));
            accumulate(self, 2, j, k, p * real_get(self->call->dout[0], out_at(self, i, k)));
        }
    }
}

static void forward(const struct call *call, const struct step *step)
{
    struct head head = {.call = call, .z = attention_sizes(call->node)};
    for (head.n = 0; head.n < step->n; head.n++)
        for (head.h = 0; head.h < head.z.heads; head.h++)
            for (int64_t i = 0; i < head.z.s; i++) forward_row(&head, i);
}

static void backward(const struct call *call, const struct step *step)
{
    struct head head = {.call = call, .z = attention_sizes(call->node)};
    for (int64_t i = 0; i < step->n * row_count(call->in[0]); i++) real_set(call->din[0], i, 0);
    for (head.n = 0; head.n < step->n; head.n++)
        for (head.h = 0; head.h < head.z.heads; head.h++)
            for (int64_t i = 0; i < head.z.s; i++) backward_row(&head, i);
}

const struct kernel attention_reference = {.forward = forward, .backward = backward};

static enum lt_err infer(struct graph *graph, struct node *node)
{
    const struct attention_numbers *o = node->options;
    const int64_t *x = node->in[0]->shape.size;
    LT_TRY(op_check_input(graph, node->op, node->name, node->in[0], 3));
    if (o->heads < 1 || x[2] % (3 * o->heads) != 0)
        return graph_fail(graph, node->name, LT_ESHAPE, "%lld features cannot be cut into 3 x %lld heads",
                          (long long)x[2], (long long)o->heads);
    graph_output(graph, node, DTYPE_REAL, SHAPE(x[0], x[1], x[2] / 3));
    graph_saved(graph, node, DTYPE_STATISTIC, SHAPE(x[0], o->heads, x[1]));
    return LT_OK;
}

static int64_t macs(const struct node *node)
{
    const struct attention_sizes z = attention_sizes(node);
    return 2 * node->in[0]->shape.size[0] * z.s * z.s * z.d;
}

const struct op op_attention = {
    .name = "attention",
    .infer = infer,
    .backward_reads = OP_READS_IN0,
    .macs = macs,
};

struct value *attention(struct graph *g, struct value *qkv, const char *layer, int64_t heads)
{
    const struct attention_numbers numbers = {heads};
    struct node *node = graph_node(g, &op_attention, layer, &numbers, sizeof numbers, &qkv, 1);
    return node ? node->out[0] : NULL;
}
