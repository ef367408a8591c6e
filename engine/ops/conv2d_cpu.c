/* Convolutions of the cpu backend. Depthwise ones have kernels of their own. A 1x1 convolution with stride 1 is a
 * product of rows; every other one gathers the pixels under the kernel into rows [pixels][kh kw ci] first, a block at a
 * time, and multiplies those. The gradient of the input of one with stride 1 is such a convolution again, of dy with
 * the kernel turned by half a circle; with other strides it is a product whose rows are added to the pixels they came
 * from.
 */
#include "engine/backends/cpu/product.h"
#include "engine/ops/depthwise_cpu.h"

/* Rows gathered at a time, GEMM_DEPTH columns of them; whole rows of a product that is scattered. */
enum { GATHER_PIXELS = 10 * MR, GATHERED = GATHER_PIXELS * GEMM_DEPTH, SCATTER_PIXELS = 5 * MR };

struct layer {
    const struct call *call;
    struct conv2d_sizes s;
    const float *bias; /* of all outputs, or NULL */
    const float *x;    /* what is convolved: in[0], or dout[0] for the gradient of the input */
    float *y;
    int64_t n, batch, depth; /* depth: kh kw ci */
    int64_t group;
    const float *packed; /* this group's weights */
    float *gathered;     /* per thread: GATHERED, or scattered_floats */
    bool stream;         /* y goes past the caches */
};

static bool is_pointwise(const struct conv2d_sizes *s)
{
    return s->kh == 1 && s->kw == 1 && s->sh == 1 && s->sw == 1 && s->top == 0 && s->left == 0 && s->oh == s->h &&
           s->ow == s->w;
}

static struct layer make_layer(const struct call *call, const struct step *step)
{
    struct conv2d_sizes s = conv2d_sizes(call->node);
    return (struct layer){.call = call,
                          .s = s,
                          .x = call->in[0].data,
                          .y = call->out[0].data,
                          .bias = call->in[2].data,
                          .n = step->n,
                          .batch = call->in[0].shape.size[0],
                          .depth = s.kh * s.kw * s.ci};
}

/* The convolution of dy that gives dx, for stride 1. */
static struct conv2d_sizes turned_sizes(struct conv2d_sizes s)
{
    return (struct conv2d_sizes){.h = s.oh,
                                 .w = s.ow,
                                 .c = s.o,
                                 .oh = s.h,
                                 .ow = s.w,
                                 .o = s.c,
                                 .kh = s.kh,
                                 .kw = s.kw,
                                 .sh = 1,
                                 .sw = 1,
                                 .top = s.kh - 1 - s.top,
                                 .left = s.kw - 1 - s.left,
                                 .groups = s.groups,
                                 .ci = s.co,
                                 .co = s.ci};
}

static bool turns(const struct conv2d_sizes *s)
{
    return s->sh == 1 && s->sw == 1;
}

/* ---- workspace: packed weights, then per thread gathered or scattered rows; or what the weight gradient wants ---- */

static size_t scattered_floats(int64_t depth)
{
    return (size_t)(SCATTER_PIXELS * depth) + PRODUCT_SPARE;
}

static size_t workspace(const struct node *node, int threads)
{
    const struct conv2d_sizes s = conv2d_sizes(node);
    if (is_depthwise(&s)) return ISA_NAME(depthwise_workspace)(node, threads);
    const int64_t depth = s.kh * s.kw * s.ci, turned = s.kh * s.kw * s.co, batch = node->in[0]->shape.size[0];
    size_t forward = product_floats(s.co, depth, threads),
           input = turns(&s) ? product_floats(s.ci, turned, threads) : product_floats(depth, s.co, threads);
    size_t most = forward > input ? forward : input;
    if (!is_pointwise(&s)) most += (size_t)threads * (turns(&s) ? GATHERED : GATHERED + scattered_floats(depth));
    size_t weights = weights_floats(batch, s.co, depth, threads);
    return (most > weights ? most : weights) * sizeof(float);
}

/* ---- gathering ---- */

/* Columns from … end - 1 of one row of the kernel at (h, w0) of x, 0 outside. */
static void gather_row(const struct conv2d_sizes *s, float *to, const float *x, int64_t h, int64_t w0, int64_t from,
                       int64_t end)
{
    const float *row = x + (h * s->w + w0) * s->c;
    if (h < 0 || h >= s->h) {
        vec_zero_floats(to, end - from);
    } else if (s->ci == s->c && w0 >= 0 && w0 + s->kw <= s->w) { /* its pixels lie side by side */
        vec_copy_floats(to, row + from, end - from);
    } else {
        for (int64_t j = from / s->ci; j * s->ci < end; j++) {
            const int64_t first = j * s->ci > from ? 0 : from - j * s->ci,
                          last = (j + 1) * s->ci < end ? s->ci : end - j * s->ci;
            if (w0 + j < 0 || w0 + j >= s->w)
                vec_zero_floats(to, last - first);
            else
                vec_copy_floats(to, row + j * s->c + first, last - first);
            to += last - first;
        }
    }
}

/* Columns column … end - 1 of the row of one output pixel: x under the kernel. */
static void gather_pixel(const struct conv2d_sizes *s, float *to, const float *x, int64_t pixel, int64_t column,
                         int64_t end)
{
    const int64_t h0 = pixel / s->ow * s->sh - s->top, w0 = pixel % s->ow * s->sw - s->left, width = s->kw * s->ci;
    for (int64_t i = column / width; i * width < end; i++) {
        const int64_t from = i * width > column ? 0 : column - i * width,
                      last = (i + 1) * width < end ? width : end - i * width;
        gather_row(s, to, x, h0 + i, w0, from, last);
        to += last - from;
    }
}

static void scatter_pixel(const struct layer *layer, float *dx, const float *row, int64_t pixel)
{
    const struct conv2d_sizes *s = &layer->s;
    const int64_t oh = pixel / s->ow, ow = pixel % s->ow;
    for (int64_t i = 0; i < s->kh; i++)
        for (int64_t j = 0; j < s->kw; j++, row += s->ci) {
            const int64_t h = oh * s->sh - s->top + i, w = ow * s->sw - s->left + j;
            if (h < 0 || h >= s->h || w < 0 || w >= s->w) continue;
            float *to = dx + (h * s->w + w) * s->c;
            for (int64_t c = 0; c < s->ci; c++) to[c] += row[c];
        }
}

/* ---- forward ---- */

/* Output pixels are counted through all samples, so that small pictures share a block. */
static void forward_block(void *context, int64_t chunk, int thread)
{
    const struct layer *layer = context;
    const struct conv2d_sizes *s = &layer->s;
    const int64_t pixels = s->oh * s->ow, first = chunk * GATHER_PIXELS, rest = layer->n * pixels - first,
                  count = rest < GATHER_PIXELS ? rest : GATHER_PIXELS;
    float *y = layer->y + first * s->o + layer->group * s->co, *rows = layer->gathered + (size_t)thread * GATHERED;
    for (int64_t k = 0; k < layer->depth; k += GEMM_DEPTH) {
        const int64_t end = layer->depth - k < GEMM_DEPTH ? layer->depth : k + GEMM_DEPTH;
        for (int64_t i = 0; i < count; i++) {
            const int64_t n = (first + i) / pixels;
            gather_pixel(s, rows + i * (end - k), layer->x + n * s->h * s->w * s->c + layer->group * s->ci,
                         (first + i) % pixels, k, end);
        }
        gemm_block(y, s->o, rows, end - k, layer->packed + k * NR, layer->depth * NR, count, s->co, end - k,
                   k                                      ? GEMM_ADD
                   : layer->stream && end == layer->depth ? GEMM_STREAM
                                                          : GEMM_SET);
    }
    if (layer->bias) bias_add(y, s->o, layer->bias + layer->group * s->co, count, s->co);
    vec_stream_end();
}

static const float *group_weights(const struct layer *layer)
{
    return (const float *)layer->call->in[1].data +
           layer->group * layer->s.co * layer->s.ci * layer->s.kh * layer->s.kw;
}

/* Packs one group's weights and gives each thread its place behind them. */
static void pack_group(struct layer *layer, struct pool *pool, bool transposed)
{
    const struct conv2d_sizes *s = &layer->s;
    struct product job = {.weight = group_weights(layer),
                          .ldw = layer->depth,
                          .n = transposed ? s->co : layer->depth,
                          .depth = transposed ? layer->depth : s->co,
                          .transposed = transposed,
                          .packed = layer->call->workspace};
    pool_run(pool, gemm_panels(job.n), product_pack, &job);
    layer->packed = job.packed;
    layer->gathered = job.packed + gemm_panels(job.n) * NR * job.depth;
}

/* One panel of the turned kernel of a turned layer: packed[(i, j, channel of dy)][channel of dx]. */
static void pack_turned(void *context, int64_t panel, int thread)
{
    (void)thread;
    const struct layer *layer = context;
    const struct conv2d_sizes *s = &layer->s;
    const int64_t taps = s->kh * s->kw, columns = s->co - panel * NR < NR ? s->co - panel * NR : NR;
    const float *weight = group_weights(layer) + panel * NR; /* [ci][taps][co] */
    float *to = (float *)layer->call->workspace + panel * NR * layer->depth;
    for (int64_t tap = taps; tap-- > 0;)
        for (int64_t k = 0; k < s->ci; k++, to += NR) {
            memcpy(to, weight + (k * taps + tap) * s->co, (size_t)columns * sizeof *to);
            for (int64_t i = columns; i < NR; i++) to[i] = 0;
        }
}

/* A 1x1 convolution: all pixels of all samples are rows. */
static void pointwise(const struct layer *layer, struct pool *pool, bool input_gradient)
{
    const struct call *call = layer->call;
    const struct conv2d_sizes *s = &layer->s;
    const int64_t in = layer->group * s->ci, out = layer->group * s->co;
    const float *weight = (const float *)call->in[1].data + out * layer->depth;
    struct product job = {.weight = weight, .ldw = s->ci, .m = layer->n * s->oh * s->ow};
    if (input_gradient) {
        job.y = (float *)call->din[0].data + in, job.a = (const float *)call->dout[0].data + out;
        job.ldy = s->c, job.lda = s->o, job.n = s->ci, job.depth = s->co;
    } else {
        job.y = (float *)call->out[0].data + out, job.a = (const float *)call->in[0].data + in;
        job.ldy = s->o, job.lda = s->c, job.n = s->co, job.depth = s->ci, job.transposed = true;
        job.bias = layer->bias ? layer->bias + out : NULL;
    }
    product_run(pool, &job, call->workspace);
}

static void run_blocks(struct layer *layer, struct pool *pool)
{
    const struct conv2d_sizes *s = &layer->s;
    const int64_t bytes = layer->n * s->oh * s->ow * s->o * (int64_t)sizeof(float);
    layer->stream = !layer->bias && s->co % VEC == 0 && vec_streams(layer->y + layer->group * s->co, s->o, bytes);
    pool_run(pool, (layer->n * s->oh * s->ow + GATHER_PIXELS - 1) / GATHER_PIXELS, forward_block, layer);
}

static void forward(const struct call *call, const struct step *step)
{
    struct layer layer = make_layer(call, step);
    if (is_depthwise(&layer.s)) {
        ISA_NAME(depthwise_forward)(call, step);
        return;
    }
    for (layer.group = 0; layer.group < layer.s.groups; layer.group++) {
        if (is_pointwise(&layer.s)) {
            pointwise(&layer, step->pool, false);
            continue;
        }
        pack_group(&layer, step->pool, true);
        run_blocks(&layer, step->pool);
    }
}
/* ---- gradient of the input ---- */

static void input_sample(void *context, int64_t n, int thread)
{
    const struct layer *layer = context;
    const struct conv2d_sizes *s = &layer->s;
    const int64_t pixels = s->oh * s->ow;
    const float *dy = (const float *)layer->call->dout[0].data + n * pixels * s->o + layer->group * s->co;
    float *dx = (float *)layer->call->din[0].data + n * s->h * s->w * s->c;
    float *rows = layer->gathered + (size_t)thread * scattered_floats(layer->depth);
    if (layer->group == 0) memset(dx, 0, (size_t)(s->h * s->w * s->c) * sizeof *dx);
    for (int64_t first = 0; first < pixels; first += SCATTER_PIXELS) {
        const int64_t count = pixels - first < SCATTER_PIXELS ? pixels - first : SCATTER_PIXELS;
        gemm_rows(rows, layer->depth, dy + first * s->o, s->o, layer->packed, count, layer->depth, s->co,
                  rows + SCATTER_PIXELS * layer->depth, false);
        for (int64_t i = 0; i < count; i++)
            scatter_pixel(layer, dx + layer->group * s->ci, rows + i * layer->depth, first + i);
    }
}

static void input_gradient(struct layer *layer, struct pool *pool)
{
    if (is_pointwise(&layer->s)) {
        pointwise(layer, pool, true);
        return;
    }
    if (turns(&layer->s)) {
        struct layer turned = *layer;
        turned.s = turned_sizes(layer->s);
        turned.x = layer->call->dout[0].data;
        turned.y = layer->call->din[0].data;
        turned.bias = NULL;
        turned.depth = turned.s.kh * turned.s.kw * turned.s.ci;
        turned.packed = layer->call->workspace;
        turned.gathered = (float *)layer->call->workspace + gemm_panels(turned.s.co) * NR * turned.depth;
        pool_run(pool, gemm_panels(turned.s.co), pack_turned, &turned);
        run_blocks(&turned, pool);
        return;
    }
    pack_group(layer, pool, false);
    pool_run(pool, layer->n, input_sample, layer);
}

/* ---- gradient of the weight ---- */

/* A panel of columns that all belong to one tap of the kernel. */
static void pack_tap(const struct conv2d_sizes *s, float *packed, const float *x, int64_t first, int64_t count,
                     int64_t tap)
{
    int64_t oh = first / s->ow, ow = first % s->ow;
    for (int64_t p = 0; p < count; p++, packed += NR) {
        const int64_t h = oh * s->sh - s->top + tap / s->kw, w = ow * s->sw - s->left + tap % s->kw;
        if (h < 0 || h >= s->h || w < 0 || w >= s->w)
            memset(packed, 0, NR * sizeof *packed);
        else
            memcpy(packed, x + (h * s->w + w) * s->c, NR * sizeof *packed);
        if (++ow == s->ow) ow = 0, oh++;
    }
}

/* Panels of columns of gathered rows, straight from x where one tap has a whole panel. */
static void pack_x(const void *context, float *packed, int64_t panel, int64_t sample, int64_t first, int64_t count,
                   int64_t column, int64_t columns)
{
    const struct layer *layer = context;
    const struct conv2d_sizes *s = &layer->s;
    const float *x = (const float *)layer->call->in[0].data + sample * s->h * s->w * s->c + layer->group * s->ci;
    if (s->ci % NR == 0) {
        for (int64_t k = column; k < column + columns; k += NR, packed += panel)
            pack_tap(s, packed, x + k % s->ci, first, count, k / s->ci);
        return;
    }
    float row[WEIGHTS_K + NR] = {0};
    for (int64_t p = 0; p < count; p++, packed += NR) {
        gather_pixel(s, row, x, first + p, column, column + columns);
        for (int64_t k = 0; k * NR < columns; k++) memcpy(packed + k * panel, row + k * NR, NR * sizeof *row);
    }
}

static void weight_gradient(const struct layer *layer, struct pool *pool)
{
    const struct conv2d_sizes *s = &layer->s;
    struct weights job = {.layer = layer,
                          .pack_x = pack_x,
                          .dw = (float *)layer->call->din[1].data + layer->group * s->co * layer->depth,
                          .dy = (const float *)layer->call->dout[0].data + layer->group * s->co,
                          .n = layer->n,
                          .batch = layer->batch,
                          .pixels = s->oh * s->ow,
                          .ldy = s->o,
                          .o = s->co,
                          .k = layer->depth};
    weights_run(pool, &job, layer->call->workspace);
}

static void backward(const struct call *call, const struct step *step)
{
    struct layer layer = make_layer(call, step);
    struct biases biases = {call->din[2].data, call->dout[0].data,      layer.n,
                            layer.batch,       layer.s.oh * layer.s.ow, layer.s.o};
    if (biases.db) biases_run(step->pool, &biases);
    if (is_depthwise(&layer.s)) {
        ISA_NAME(depthwise_backward)(call, step);
        return;
    }
    for (layer.group = 0; layer.group < layer.s.groups; layer.group++) {
        if (call->din[0].data) input_gradient(&layer, step->pool);
        if (call->din[1].data) weight_gradient(&layer, step->pool);
    }
}

extern const struct kernel ISA_NAME(conv2d_cpu);
const struct kernel ISA_NAME(conv2d_cpu) = {.forward = forward, .backward = backward, .workspace = workspace};
