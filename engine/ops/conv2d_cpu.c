/* Convolutions of the cpu backend. Depthwise ones have kernels of their own. A 1x1 convolution with stride 1 is a
 * product of rows; every other one gathers the pixels under the kernel into rows [pixels][kh kw ci] first, a block at a
 * time, and multiplies those. */
#include "engine/backends/cpu/product.h"
#include "engine/ops/depthwise_cpu.h"

enum { GATHER_PIXELS = 60 };

struct layer {
    const struct call *call;
    struct conv2d_sizes s;
    int64_t n, batch, depth; /* depth: kh kw ci */
    int64_t group;
    const float *packed;     /* this group's weights */
    float *gathered, *spare; /* per thread */
    size_t per_thread;
    bool stream; /* y goes past the caches */
};

static bool is_pointwise(const struct conv2d_sizes *s)
{
    return s->kh == 1 && s->kw == 1 && s->sh == 1 && s->sw == 1 && s->top == 0 && s->left == 0 && s->oh == s->h &&
           s->ow == s->w;
}

static struct layer make_layer(const struct call *call, const struct step *step)
{
    struct conv2d_sizes s = conv2d_sizes(call->node);
    return (struct layer){
        .call = call, .s = s, .n = step->n, .batch = call->in[0].shape.size[0], .depth = s.kh * s.kw * s.ci};
}

/* ---- workspace: packed weights, then per thread gathered rows and a spare block; or what the weight gradient wants
 * ---- */

static size_t thread_floats(int64_t depth)
{
    return (size_t)(GATHER_PIXELS * depth) + PRODUCT_SPARE;
}

static size_t workspace(const struct node *node, int threads)
{
    const struct conv2d_sizes s = conv2d_sizes(node);
    if (is_depthwise(&s)) return ISA_NAME(depthwise_workspace)(node, threads);
    const int64_t depth = s.kh * s.kw * s.ci, batch = node->in[0]->shape.size[0];
    size_t forward = product_floats(s.co, depth, threads), input = product_floats(depth, s.co, threads);
    size_t most = forward > input ? forward : input;
    if (!is_pointwise(&s)) most += (size_t)threads * thread_floats(depth);
    size_t weights = weights_floats(batch, s.co, depth, threads);
    return (most > weights ? most : weights) * sizeof(float);
}

/* ---- gathering ---- */

/* Do the pixels under one row of the kernel lie side by side in memory? */
static bool is_run(const struct conv2d_sizes *s, int64_t w0)
{
    return s->ci == s->c && w0 >= 0 && w0 + s->kw <= s->w;
}

/* Row of one output pixel: x under the kernel, 0 outside. */
static void gather_pixel(const struct layer *layer, float *row, const float *x, int64_t pixel)
{
    const struct conv2d_sizes *s = &layer->s;
    const int64_t h0 = pixel / s->ow * s->sh - s->top, w0 = pixel % s->ow * s->sw - s->left, width = s->kw * s->ci;
    for (int64_t i = 0; i < s->kh; i++, row += width) {
        const float *from = x + ((h0 + i) * s->w + w0) * s->c;
        if (h0 + i < 0 || h0 + i >= s->h)
            memset(row, 0, (size_t)width * sizeof *row);
        else if (is_run(s, w0))
            memcpy(row, from, (size_t)width * sizeof *row);
        else
            for (int64_t j = 0; j < s->kw; j++) {
                if (w0 + j < 0 || w0 + j >= s->w)
                    memset(row + j * s->ci, 0, (size_t)s->ci * sizeof *row);
                else
                    memcpy(row + j * s->ci, from + j * s->c, (size_t)s->ci * sizeof *row);
            }
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

static int64_t blocks_of(const struct conv2d_sizes *s)
{
    return (s->oh * s->ow + GATHER_PIXELS - 1) / GATHER_PIXELS;
}

/* ---- forward ---- */

static void forward_block(void *context, int64_t chunk, int thread)
{
    const struct layer *layer = context;
    const struct conv2d_sizes *s = &layer->s;
    const int64_t blocks = blocks_of(s), n = chunk / blocks, first = chunk % blocks * GATHER_PIXELS,
                  pixels = s->oh * s->ow;
    const int64_t count = pixels - first < GATHER_PIXELS ? pixels - first : GATHER_PIXELS;
    const float *x = (const float *)layer->call->in[0].data + n * s->h * s->w * s->c + layer->group * s->ci;
    float *y = (float *)layer->call->out[0].data + (n * pixels + first) * s->o + layer->group * s->co;
    float *rows = layer->gathered + (size_t)thread * layer->per_thread;
    for (int64_t i = 0; i < count; i++) gather_pixel(layer, rows + i * layer->depth, x, first + i);
    gemm_rows(y, s->o, rows, layer->depth, layer->packed, count, s->co, layer->depth,
              rows + GATHER_PIXELS * layer->depth, layer->stream);
    vec_stream_end();
}

/* Packs one group's weights and gives each thread its place behind them. */
static void pack_group(struct layer *layer, struct pool *pool, bool transposed)
{
    const struct conv2d_sizes *s = &layer->s;
    const float *weight = (const float *)layer->call->in[1].data + layer->group * s->co * layer->depth;
    struct product job = {.weight = weight,
                          .ldw = layer->depth,
                          .n = transposed ? s->co : layer->depth,
                          .depth = transposed ? layer->depth : s->co,
                          .transposed = transposed,
                          .packed = layer->call->workspace};
    pool_run(pool, gemm_panels(job.n), product_pack, &job);
    layer->packed = job.packed;
    layer->gathered = job.packed + gemm_panels(job.n) * NR * job.depth;
    layer->per_thread = thread_floats(layer->depth);
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
    }
    product_run(pool, &job, call->workspace);
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
        layer.stream = layer.s.co % VEC == 0 &&
                       vec_streams(call->out[0].data, layer.s.o,
                                   layer.n * layer.s.oh * layer.s.ow * layer.s.o * (int64_t)sizeof(float));
        pool_run(step->pool, layer.n * blocks_of(&layer.s), forward_block, &layer);
    }
    if (call->in[2].data) bias_add(call->out[0].data, call->in[2].data, layer.n * layer.s.oh * layer.s.ow, layer.s.o);
}

/* ---- gradient of the input ---- */

static void input_sample(void *context, int64_t n, int thread)
{
    const struct layer *layer = context;
    const struct conv2d_sizes *s = &layer->s;
    const int64_t pixels = s->oh * s->ow;
    const float *dy = (const float *)layer->call->dout[0].data + n * pixels * s->o + layer->group * s->co;
    float *dx = (float *)layer->call->din[0].data + n * s->h * s->w * s->c;
    float *rows = layer->gathered + (size_t)thread * layer->per_thread;
    if (layer->group == 0) memset(dx, 0, (size_t)(s->h * s->w * s->c) * sizeof *dx);
    for (int64_t first = 0; first < pixels; first += GATHER_PIXELS) {
        const int64_t count = pixels - first < GATHER_PIXELS ? pixels - first : GATHER_PIXELS;
        gemm_rows(rows, layer->depth, dy + first * s->o, s->o, layer->packed, count, layer->depth, s->co,
                  rows + GATHER_PIXELS * layer->depth, false);
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
    pack_group(layer, pool, false);
    pool_run(pool, layer->n, input_sample, layer);
}

/* ---- gradient of the weight ---- */

/* Columns column … column + NR - 1 of the row of one output pixel; 0 outside and past the end. */
static void pack_pixel(const struct layer *layer, float *packed, const float *x, int64_t pixel, int64_t column)
{
    const struct conv2d_sizes *s = &layer->s;
    const int64_t h0 = pixel / s->ow * s->sh - s->top, w0 = pixel % s->ow * s->sw - s->left;
    const int64_t end = layer->depth < column + NR ? layer->depth : column + NR;
    const int64_t unit = is_run(s, w0) ? s->kw * s->ci : s->ci; /* what lies side by side in memory */
    if (end < column + NR) memset(packed + (end - column), 0, (size_t)(column + NR - end) * sizeof *packed);
    for (int64_t at = column; at < end;) {
        const int64_t rest = unit - at % unit, run = rest < end - at ? rest : end - at, tap = at / s->ci;
        const int64_t h = h0 + tap / s->kw, w = w0 + tap % s->kw;
        if (h < 0 || h >= s->h || w < 0 || w >= s->w)
            memset(packed + (at - column), 0, (size_t)run * sizeof *packed);
        else
            memcpy(packed + (at - column), x + (h * s->w + w) * s->c + at % s->ci, (size_t)run * sizeof *packed);
        at += run;
    }
}

/* Columns column … column + NR - 1 of the gathered rows, straight from x: runs of channels under one kernel element. */
static void pack_x(const void *context, float *packed, int64_t sample, int64_t first, int64_t count, int64_t column)
{
    const struct layer *layer = context;
    const struct conv2d_sizes *s = &layer->s;
    const float *x = (const float *)layer->call->in[0].data + sample * s->h * s->w * s->c + layer->group * s->ci;
    if (is_pointwise(s)) {
        gemm_pack(packed, x + first * s->c, s->c, s->ci, count, column / NR);
        return;
    }
    for (int64_t p = 0; p < count; p++, packed += NR) pack_pixel(layer, packed, x, first + p, column);
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
