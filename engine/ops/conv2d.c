/* torch.nn.functional.conv2d, with TensorFlow's SAME padding too. */
#include "engine/ops/conv2d.h"

#include "engine/ops/ops.h"
#include "engine/ops/reference.h"

/* Padding before the first element: half of what SAME adds (the odd one goes to the end), or the given one. */
static int64_t before(const struct conv2d_options *o, int axis, int64_t in, int64_t out)
{
    if (o->padding == PADDING_EXPLICIT) return o->pad[axis];
    const int64_t total = (out - 1) * o->stride[axis] + o->kernel[axis] - in;
    return total > 0 ? total / 2 : 0;
}

struct conv2d_sizes conv2d_sizes(const struct node *node)
{
    const struct conv2d_options *o = node->options;
    const int64_t *x = node->in[0]->shape.size, *y = node->out[0]->shape.size;
    struct conv2d_sizes s = {.h = x[1], .w = x[2], .c = x[3], .oh = y[1], .ow = y[2], .o = y[3]};
    s.kh = o->kernel[0], s.kw = o->kernel[1], s.sh = o->stride[0], s.sw = o->stride[1];
    s.top = before(o, 0, s.h, s.oh), s.left = before(o, 1, s.w, s.ow);
    s.groups = o->groups, s.ci = s.c / o->groups, s.co = s.o / o->groups;
    return s;
}

/* ---- reference ---- */

/* Index of x[n,h,w,0]; -1 outside. */
static int64_t input_at(const struct conv2d_sizes *s, int64_t n, int64_t h, int64_t w)
{
    return h < 0 || h >= s->h || w < 0 || w >= s->w ? -1 : ((n * s->h + h) * s->w + w) * s->c;
}

static double output_of(const struct call *call, const struct conv2d_sizes *s, const int64_t at[3], int64_t o)
{
    double sum = call->in[2].data ? real_get(call->in[2], o) : 0;
    for (int64_t i = 0; i < s->kh; i++)
        for (int64_t j = 0; j < s->kw; j++) {
            const int64_t x = input_at(s, at[0], at[1] * s->sh - s->top + i, at[2] * s->sw - s->left + j);
            if (x < 0) continue;
            const int64_t weight = ((o * s->kh + i) * s->kw + j) * s->ci, first = x + o / s->co * s->ci;
            for (int64_t c = 0; c < s->ci; c++)
                sum += real_get(call->in[0], first + c) * real_get(call->in[1], weight + c);
        }
    return sum;
}

static void forward(const struct call *call, const struct step *step)
{
    const struct conv2d_sizes s = conv2d_sizes(call->node);
    int64_t at[3], y = 0;
    for (at[0] = 0; at[0] < step->n; at[0]++)
        for (at[1] = 0; at[1] < s.oh; at[1]++)
            for (at[2] = 0; at[2] < s.ow; at[2]++)
                for (int64_t o = 0; o < s.o; o++) real_set(call->out[0], y++, output_of(call, &s, at, o));
}

/* The output row or column that kernel element k of input element `in` belongs to; -1: none. */
static int64_t output_index(int64_t in, int64_t k, int64_t pad, int64_t stride, int64_t outs)
{
    const int64_t start = in + pad - k;
    return start < 0 || start % stride != 0 || start / stride >= outs ? -1 : start / stride;
}

static double input_gradient(const struct call *call, const struct conv2d_sizes *s, const int64_t at[3], int64_t c)
{
    const int64_t group = c / s->ci, within = c % s->ci;
    double sum = 0;
    for (int64_t i = 0; i < s->kh; i++) {
        const int64_t oh = output_index(at[1], i, s->top, s->sh, s->oh);
        for (int64_t j = 0; oh >= 0 && j < s->kw; j++) {
            const int64_t ow = output_index(at[2], j, s->left, s->sw, s->ow);
            if (ow < 0) continue;
            const int64_t dy = ((at[0] * s->oh + oh) * s->ow + ow) * s->o + group * s->co;
            for (int64_t o = 0; o < s->co; o++)
                sum += real_get(call->dout[0], dy + o) *
                       real_get(call->in[1], (((group * s->co + o) * s->kh + i) * s->kw + j) * s->ci + within);
        }
    }
    return sum;
}

/* dweight[o,i,j,c] = sum over samples and places. */
static double weight_gradient(const struct call *call, const struct conv2d_sizes *s, int64_t n, const int64_t at[4])
{
    double sum = 0;
    for (int64_t k = 0; k < n; k++)
        for (int64_t oh = 0; oh < s->oh; oh++)
            for (int64_t ow = 0; ow < s->ow; ow++) {
                const int64_t x = input_at(s, k, oh * s->sh - s->top + at[1], ow * s->sw - s->left + at[2]);
                if (x < 0) continue;
                sum += real_get(call->in[0], x + at[0] / s->co * s->ci + at[3]) *
                       real_get(call->dout[0], ((k * s->oh + oh) * s->ow + ow) * s->o + at[0]);
            }
    return sum;
}

static void backward_input(const struct call *call, const struct conv2d_sizes *s, int64_t n)
{
    int64_t at[3], x = 0;
    for (at[0] = 0; at[0] < n; at[0]++)
        for (at[1] = 0; at[1] < s->h; at[1]++)
            for (at[2] = 0; at[2] < s->w; at[2]++)
                for (int64_t c = 0; c < s->c; c++) real_set(call->din[0], x++, input_gradient(call, s, at, c));
}

static void backward_weight(const struct call *call, const struct conv2d_sizes *s, int64_t n)
{
    int64_t at[4], w = 0;
    for (at[0] = 0; at[0] < s->o; at[0]++)
        for (at[1] = 0; at[1] < s->kh; at[1]++)
            for (at[2] = 0; at[2] < s->kw; at[2]++)
                for (at[3] = 0; at[3] < s->ci; at[3]++) real_set(call->din[1], w++, weight_gradient(call, s, n, at));
}

static void backward(const struct call *call, const struct step *step)
{
    const struct conv2d_sizes s = conv2d_sizes(call->node);
    if (call->din[0].data) backward_input(call, &s, step->n);
    if (call->din[1].data) backward_weight(call, &s, step->n);
    for (int64_t o = 0; call->din[2].data && o < s.o; o++) {
        double sum = 0;
        for (int64_t i = o; i < step->n * s.oh * s.ow * s.o; i += s.o) sum += real_get(call->dout[0], i);
        real_set(call->din[2], o, sum);
    }
}

const struct kernel conv2d_reference = {.forward = forward, .backward = backward};

/* ---- definition ---- */

static int64_t output_size(const struct conv2d_options *o, int axis, int64_t in)
{
    if (o->padding == PADDING_SAME) return (in + o->stride[axis] - 1) / o->stride[axis];
    return (in + 2 * o->pad[axis] - o->kernel[axis]) / o->stride[axis] + 1;
}

static enum lt_err infer(struct graph *graph, struct node *node)
{
    const struct conv2d_options *o = node->options;
    const int64_t *x = node->in[0]->shape.size;
    char text[128];
    if (o->padding == PADDING_EXPLICIT && (x[1] + 2 * o->pad[0] < o->kernel[0] || x[2] + 2 * o->pad[1] < o->kernel[1]))
        return graph_fail(graph, node->name, LT_ESHAPE,
                          "pictures of %s are smaller than the kernel (%lldx%lld); train on larger ones",
                          shape_text(text, node->in[0]->shape), (long long)o->kernel[0], (long long)o->kernel[1]);
    graph_output(graph, node, DTYPE_REAL,
                 SHAPE(x[0], output_size(o, 0, x[1]), output_size(o, 1, x[2]), o->out_channels));
    return LT_OK;
}

static int64_t macs(const struct node *node)
{
    const struct conv2d_sizes s = conv2d_sizes(node);
    return shape_count(node->out[0]->shape) * s.kh * s.kw * s.ci;
}

const struct op op_conv2d = {
    .name = "conv2d",
    .infer = infer,
    .backward_reads = OP_READS_IN0 | OP_READS_IN1,
    .macs = macs,
};

static enum lt_err check(struct graph *g, const struct value *x, const char *layer, const struct conv2d_options *o)
{
    LT_TRY(op_check_input(g, &op_conv2d, layer, x, 4));
    for (int i = 0; i < 2; i++)
        if (o->kernel[i] < 1 || o->stride[i] < 1 || o->pad[i] < 0 || o->groups < 1 || o->out_channels < 1)
            return graph_fail(g, layer, LT_ESHAPE,
                              "a convolution needs channels, groups, kernel and stride of at least 1 and padding of at "
                              "least 0");
    if (x->shape.size[3] % o->groups != 0 || o->out_channels % o->groups != 0)
        return graph_fail(g, layer, LT_ESHAPE, "%lld groups do not divide the channels %lld -> %lld",
                          (long long)o->groups, (long long)x->shape.size[3], (long long)o->out_channels);
    return LT_OK;
}

struct value *conv2d(struct graph *g, struct value *x, const char *layer, struct conv2d_options options)
{
    if (x == NULL) return NULL;
    if (options.groups == 0) options.groups = 1;
    for (int i = 0; i < 2; i++)
        if (options.stride[i] == 0) options.stride[i] = 1;
    if (check(g, x, layer, &options) != LT_OK) return NULL;
    const int64_t ci = x->shape.size[3] / options.groups;
    struct value *in[3] = {x};
    in[1] = graph_parameter(g, layer, "weight", SHAPE(options.out_channels, options.kernel[0], options.kernel[1], ci),
                            options.init);
    in[1]->groups = options.groups;
    if (options.bias)
        in[2] = graph_parameter(g, layer, "bias", SHAPE(options.out_channels), (struct init){INIT_ZEROS, 0});
    struct node *node = graph_node(g, &op_conv2d, layer, &options, sizeof options, in, options.bias ? 3 : 2);
    return node ? node->out[0] : NULL;
}
