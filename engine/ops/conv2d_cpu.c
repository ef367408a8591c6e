/* Convolutions of the cpu backend. Depthwise ones have kernels of their own. A 1x1 convolution with stride 1 is a
 * product of rows; every other one gathers the pixels under the kernel into rows [pixels][kh kw ci] first, a block at a
 * time, and multiplies those. The gradient of the input of one with stride 1 is such a convolution again, of dy with
 * the kernel turned by half a circle; with other strides it is a product whose rows are added to the pixels they came
 * from.
 */
#include "engine/backends/cpu/product.h"
#include "engine/ops/depthwise_cpu.h"
#if !defined(LATHE_BF16)
#include "engine/ops/winograd_weights_cpu.h"
#endif

struct layer {
    const struct call *call;
    struct conv2d_sizes s;
    const float *bias; /* of all outputs, or NULL */
    const element *x;  /* what is convolved: in[0], or dout[0] for the gradient of the input */
    element *y;
    int64_t n, batch, depth; /* depth: kh kw ci */
    int64_t group;
    const element *weight; /* this group's weights */
    element *packed;
    element *rows;       /* per thread: gathered_elements or scattered_elements */
    struct gemm_rows to; /* this group's part of y */
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

/* ---- Winograd's way, where it pays and elements are floats ---- */

#if !defined(LATHE_BF16)
/* Elements of workspace that it wants; bytes that the gradient of the weight does. */
static int64_t tiles_room(const struct conv2d_sizes *s, int64_t batch, int threads)
{
    return winograd_pays(s, batch) ? winograd_room(s, threads) : 0;
}

static size_t weigh_room(const struct conv2d_sizes *s, int64_t batch, int threads)
{
    return winograd_pays(s, batch) ? winograd_weights_room(s, batch, threads)
                                   : weights_bytes(batch, s->co, s->kh * s->kw * s->ci, threads);
}

/* Convolves, unless the direct way is the one to go. */
static bool convolve_tiles(const struct layer *layer, struct pool *pool, bool turned)
{
    const struct conv2d_sizes *s = &layer->s;
    struct winograd job = {.s = *s,
                           .x = layer->x + layer->group * s->ci,
                           .y = layer->y + layer->group * s->co,
                           .weight = (const float *)layer->call->in[1].data + layer->group * s->co * layer->depth,
                           .bias = layer->bias ? layer->bias + layer->group * s->co : NULL,
                           .n = layer->n,
                           .turned = turned};
    if (!winograd_pays(s, layer->batch)) return false;
    winograd_run(pool, &job, layer->call->workspace);
    return true;
}

/* Finds the gradient of the weight, unless the direct way is the one to go. */
static bool weigh_tiles(const struct layer *layer, struct pool *pool)
{
    const struct conv2d_sizes *s = &layer->s;
    struct winograd_weights job = {
        .input = {.s = *s, .x = (const float *)layer->call->in[0].data + layer->group * s->ci, .n = layer->n},
        .dy = (const float *)layer->call->dout[0].data + layer->group * s->co,
        .dw.dw = (float *)layer->call->din[1].data + layer->group * s->co * layer->depth};
    if (!winograd_pays(s, layer->batch)) return false;
    winograd_weights_run(pool, &job, layer->batch, layer->call->workspace);
    return true;
}

static int64_t macs(const struct node *node, enum kernel_work work)
{
    const int64_t batch = node->in[0]->shape.size[0];
    const struct conv2d_sizes s = conv2d_sizes(node), back = turned_sizes(s);
    if (work != WORK_GRADIENT_0 && winograd_pays(&s, batch)) return winograd_macs(&s, batch);
    if (work == WORK_GRADIENT_0 && turns(&s) && winograd_pays(&back, batch)) return winograd_macs(&back, batch);
    return op_conv2d.macs(node);
}
#else
static int64_t tiles_room(const struct conv2d_sizes *s, int64_t batch, int threads)
{
    return (void)s, (void)batch, (void)threads, 0;
}

static size_t weigh_room(const struct conv2d_sizes *s, int64_t batch, int threads)
{
    return weights_bytes(batch, s->co, s->kh * s->kw * s->ci, threads);
}

static bool convolve_tiles(const struct layer *layer, struct pool *pool, bool turned)
{
    return (void)layer, (void)pool, (void)turned, false;
}

static bool weigh_tiles(const struct layer *layer, struct pool *pool)
{
    return (void)layer, (void)pool, false;
}

static int64_t macs(const struct node *node, enum kernel_work work)
{
    return (void)work, op_conv2d.macs(node);
}
#endif

/* ---- workspace: weights as elements, packed, then per thread gathered or scattered rows; or what the weight gradient
 * wants ---- */

/* Rows gathered at a time, a block of the depth of each: what fits into the second-level cache. Rows of a product that
 * is scattered: whole ones, in float. */
enum { GATHER_PIXELS = 10 * MR, GATHER_ELEMENTS = 1 << 18, SCATTER_PIXELS = 5 * MR };

static int64_t gathered_pixels(int64_t depth)
{
    const int64_t fit = GATHER_ELEMENTS / gemm_depth(depth, 0) / MR * MR;
    return fit < MR ? MR : fit < GATHER_PIXELS ? fit : GATHER_PIXELS;
}

static int64_t gathered_elements(int64_t depth)
{
    return gathered_pixels(depth) * gemm_padded(gemm_depth(depth, 0));
}

static int64_t scattered_elements(int64_t depth, int64_t o)
{
    const int64_t rows = SCATTER_PIXELS * depth * (int64_t)(sizeof(float) / sizeof(element));
    return (rows + gemm_spare(o) + 63) / 64 * 64;
}

static int64_t largest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static size_t workspace(const struct node *node, int threads)
{
    const struct conv2d_sizes s = conv2d_sizes(node);
    if (is_depthwise(&s)) return DEPTHWISE(depthwise_workspace)(node, threads);
    const int64_t depth = s.kh * s.kw * s.ci, turned = s.kh * s.kw * s.co, batch = node->in[0]->shape.size[0];
    int64_t most = product_elements(s.co, depth, threads) + threads * gathered_elements(depth);
    if (turns(&s)) {
        const struct conv2d_sizes back = turned_sizes(s);
        most = largest(most, product_elements(s.ci, turned, threads) + threads * gathered_elements(turned));
        most = largest(most, largest(tiles_room(&s, batch, threads), tiles_room(&back, batch, threads)));
    } else {
        most = largest(most, product_elements(depth, s.co, threads) + threads * scattered_elements(depth, s.co));
    }
    const size_t rows = (size_t)most * sizeof(element), weights = weigh_room(&s, batch, threads);
    return rows > weights ? rows : weights;
}

/* ---- gathering ---- */

/* Columns from … end - 1 of one row of the kernel at (h, w0) of x, 0 outside. */
static void gather_row(const struct conv2d_sizes *s, element *to, const element *x, int64_t h, int64_t w0, int64_t from,
                       int64_t end)
{
    const element *row = x + (h * s->w + w0) * s->c;
    if (h < 0 || h >= s->h) {
        element_zero(to, end - from);
    } else if (s->ci == s->c && w0 >= 0 && w0 + s->kw <= s->w) { /* its pixels lie side by side */
        element_copy(to, row + from, end - from);
    } else {
        for (int64_t j = from / s->ci; j * s->ci < end; j++) {
            const int64_t first = j * s->ci > from ? 0 : from - j * s->ci,
                          last = (j + 1) * s->ci < end ? s->ci : end - j * s->ci;
            if (w0 + j < 0 || w0 + j >= s->w)
                element_zero(to, last - first);
            else
                element_copy(to, row + j * s->c + first, last - first);
            to += last - first;
        }
    }
}

/* Columns column … end - 1 of the row of one output pixel: x under the kernel. */
static void gather_pixel(const struct conv2d_sizes *s, element *to, const element *x, int64_t pixel, int64_t column,
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

static void scatter_pixel(const struct layer *layer, element *dx, const float *row, int64_t pixel)
{
    const struct conv2d_sizes *s = &layer->s;
    const int64_t oh = pixel / s->ow, ow = pixel % s->ow;
    for (int64_t i = 0; i < s->kh; i++)
        for (int64_t j = 0; j < s->kw; j++, row += s->ci) {
            const int64_t h = oh * s->sh - s->top + i, w = ow * s->sw - s->left + j;
            if (h < 0 || h >= s->h || w < 0 || w >= s->w) continue;
            element *to = dx + (h * s->w + w) * s->c;
#define ADD(k, count)                                                                                                  \
    element_store_some(to + (k), element_load_some(to + (k), count) + vec_load_some(row + (k), count), count)
            EACH_VECTOR(s->ci, ADD);
#undef ADD
        }
}

/* ---- forward ---- */

/* Output pixels are counted through all samples, so that small pictures share a block. */
static void forward_block(void *context, int64_t chunk, int thread)
{
    const struct layer *layer = context;
    const struct conv2d_sizes *s = &layer->s;
    const int64_t pixels = s->oh * s->ow, most = gathered_pixels(layer->depth), first = chunk * most,
                  rest = layer->n * pixels - first, count = rest < most ? rest : most;
    element *rows = layer->rows + thread * gathered_elements(layer->depth);
    for (int64_t k = 0, block; k < layer->depth; k += block) {
        block = gemm_depth(layer->depth, k);
        const int64_t row = gemm_padded(block);
        for (int64_t i = 0; i < count; i++) {
            const element *x = layer->x + (first + i) / pixels * s->h * s->w * s->c + layer->group * s->ci;
            gather_pixel(s, rows + i * row, x, (first + i) % pixels, k, k + block);
            if (row > block) rows[i * row + block] = element_of(0);
        }
        gemm_block(&layer->to, first, rows, row, layer->packed, count, s->co, layer->depth, k);
    }
    vec_stream_end();
}

/* This group's weights as elements, at the beginning of the workspace; returns what follows them. */
static element *find_weights(struct layer *layer, struct pool *pool)
{
    const int64_t count = layer->s.co * layer->s.ci * layer->s.kh * layer->s.kw;
    element *room = layer->call->workspace;
    layer->weight = product_weights(pool, (const float *)layer->call->in[1].data + layer->group * count, count, room);
    return room + product_weights_room(count);
}

/* Packs one group's weights and gives each thread its place behind them. */
static void pack_group(struct layer *layer, struct pool *pool, bool transposed)
{
    const struct conv2d_sizes *s = &layer->s;
    layer->packed = find_weights(layer, pool);
    struct product job = {.weight = layer->weight,
                          .ldw = layer->depth,
                          .n = transposed ? s->co : layer->depth,
                          .depth = transposed ? layer->depth : s->co,
                          .transposed = transposed,
                          .packed = layer->packed};
    pool_run(pool, gemm_panels(job.n), product_pack, &job);
    layer->rows = layer->packed + product_packed(job.n, job.depth);
}

/* One panel of the turned kernel of a turned layer: packed[(i, j, channel of dy)][channel of dx]. */
static void pack_turned(void *context, int64_t panel, int thread)
{
    (void)thread;
    const struct layer *layer = context;
    const struct conv2d_sizes *s = &layer->s;
    const int64_t taps = s->kh * s->kw, columns = s->co - panel * NR;
    const element *weight = layer->weight + panel * NR; /* [ci][taps][co] */
    element *to = layer->packed + panel * NR * gemm_padded(layer->depth);
    for (int64_t k = 0; k < layer->depth; k += PAIR, to += NR * PAIR) {
        const element *row[PAIR];
        for (int i = 0; i < PAIR; i++) {
            const int64_t tap = taps - 1 - (k + i) / s->ci, channel = (k + i) % s->ci;
            row[i] = k + i < layer->depth ? weight + (channel * taps + tap) * s->co : NULL;
        }
        if (columns >= NR)
            gemm_pack_step(to, row, NR, NR);
        else
            gemm_pack_step(to, row, columns, NR);
    }
}

/* A 1x1 convolution: all pixels of all samples are rows. */
static void pointwise(const struct layer *layer, struct pool *pool, bool input_gradient)
{
    const struct call *call = layer->call;
    const struct conv2d_sizes *s = &layer->s;
    const int64_t in = layer->group * s->ci, out = layer->group * s->co;
    struct product job = {.ldw = s->ci, .m = layer->n * s->oh * s->ow};
    if (input_gradient) {
        job.y = (struct gemm_rows){.c = (element *)call->din[0].data + in, .ldc = s->c};
        job.a = (const element *)call->dout[0].data + out;
        job.lda = s->o, job.n = s->ci, job.depth = s->co;
    } else {
        job.y = (struct gemm_rows){.c = (element *)call->out[0].data + out, .ldc = s->o};
        job.y.bias = layer->bias ? layer->bias + out : NULL;
        job.a = (const element *)call->in[0].data + in;
        job.lda = s->c, job.n = s->co, job.depth = s->ci, job.transposed = true;
    }
    const float *weight = (const float *)call->in[1].data + out * layer->depth;
    product_run(pool, &job, weight, s->co * s->ci, call->workspace);
}

static void run_blocks(struct layer *layer, struct pool *pool)
{
    const struct conv2d_sizes *s = &layer->s;
    const int64_t rows = layer->n * s->oh * s->ow, most = gathered_pixels(layer->depth);
    layer->to = (struct gemm_rows){.c = layer->y + layer->group * s->co,
                                   .ldc = s->o,
                                   .bias = layer->bias ? layer->bias + layer->group * s->co : NULL};
    layer->to.stream = element_streams(layer->to.c, s->o, rows, s->co);
    pool_run(pool, (rows + most - 1) / most, forward_block, layer);
}

static void forward(const struct call *call, const struct step *step)
{
    struct layer layer = make_layer(call, step);
    if (is_depthwise(&layer.s)) {
        DEPTHWISE(depthwise_forward)(call, step);
        return;
    }
    for (layer.group = 0; layer.group < layer.s.groups; layer.group++) {
        if (is_pointwise(&layer.s)) {
            pointwise(&layer, step->pool, false);
        } else if (!convolve_tiles(&layer, step->pool, false)) {
            pack_group(&layer, step->pool, true);
            run_blocks(&layer, step->pool);
        }
    }
}

/* ---- gradient of the input ---- */

static void input_sample(void *context, int64_t n, int thread)
{
    const struct layer *layer = context;
    const struct conv2d_sizes *s = &layer->s;
    const int64_t pixels = s->oh * s->ow;
    const element *dy = (const element *)layer->call->dout[0].data + n * pixels * s->o + layer->group * s->co;
    element *dx = (element *)layer->call->din[0].data + n * s->h * s->w * s->c;
    element *place = layer->rows + thread * scattered_elements(layer->depth, s->co);
    float *rows = (float *)(void *)place;
    element *spare = (element *)(void *)(rows + SCATTER_PIXELS * layer->depth);
    const struct gemm_rows to = {.c = rows, .floats = true, .ldc = layer->depth};
    if (layer->group == 0) memset(dx, 0, (size_t)(s->h * s->w * s->c) * sizeof *dx);
    for (int64_t first = 0; first < pixels; first += SCATTER_PIXELS) {
        const int64_t count = pixels - first < SCATTER_PIXELS ? pixels - first : SCATTER_PIXELS;
        gemm_rows(&to, dy + first * s->o, s->o, layer->packed, count, layer->depth, s->co, spare);
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
        if (convolve_tiles(&turned, pool, true)) return;
        turned.packed = find_weights(layer, pool);
        turned.weight = layer->weight;
        turned.rows = turned.packed + product_packed(turned.s.co, turned.depth);
        pool_run(pool, gemm_panels(turned.s.co), pack_turned, &turned);
        run_blocks(&turned, pool);
        return;
    }
    pack_group(layer, pool, false);
    pool_run(pool, layer->n, input_sample, layer);
}

/* ---- gradient of the weight ---- */

/* A panel of columns that all belong to one tap of the kernel. */
static void pack_tap(const struct conv2d_sizes *s, element *packed, const element *x, int64_t first, int64_t count,
                     int64_t tap)
{
    int64_t oh = first / s->ow, ow = first % s->ow;
    for (int64_t p = 0; p < count; p += PAIR, packed += NR * PAIR) {
        const element *row[PAIR];
        for (int i = 0; i < PAIR; i++) {
            const int64_t h = oh * s->sh - s->top + tap / s->kw, w = ow * s->sw - s->left + tap % s->kw;
            const bool outside = h < 0 || h >= s->h || w < 0 || w >= s->w || p + i >= count;
            row[i] = outside ? NULL : x + (h * s->w + w) * s->c;
            if (++ow == s->ow) ow = 0, oh++;
        }
        gemm_pack_step(packed, row, NR, NR);
    }
}

/* Panels of columns of gathered rows, straight from x where one tap has a whole panel. */
static void pack_x(const void *context, element *packed, int64_t panel, int64_t sample, int64_t first, int64_t count,
                   int64_t column, int64_t columns)
{
    const struct layer *layer = context;
    const struct conv2d_sizes *s = &layer->s;
    const element *x = (const element *)layer->call->in[0].data + sample * s->h * s->w * s->c + layer->group * s->ci;
    if (s->ci % NR == 0) {
        for (int64_t k = column; k < column + columns; k += NR, packed += panel)
            pack_tap(s, packed, x + k % s->ci, first, count, k / s->ci);
        return;
    }
    element rows[PAIR][WEIGHTS_K + NR] = {0};
    for (int64_t p = 0; p < count; p += PAIR, packed += NR * PAIR) {
        for (int i = 0; i < PAIR && p + i < count; i++)
            gather_pixel(s, rows[i], x, first + p + i, column, column + columns);
        for (int64_t k = 0; k * NR < columns; k++) {
            const element *row[PAIR];
            for (int i = 0; i < PAIR; i++) row[i] = p + i < count ? rows[i] + k * NR : NULL;
            gemm_pack_step(packed + k * panel, row, NR, NR);
        }
    }
}

static void weight_gradient(const struct layer *layer, struct pool *pool)
{
    if (weigh_tiles(layer, pool)) return;
    const struct conv2d_sizes *s = &layer->s;
    struct weights job = {.layer = layer,
                          .pack_x = pack_x,
                          .dw = (float *)layer->call->din[1].data + layer->group * s->co * layer->depth,
                          .dy = (const element *)layer->call->dout[0].data + layer->group * s->co,
                          .n = layer->n,
                          .batch = layer->batch,
                          .pixels = s->oh * s->ow,
                          .ldy = s->o,
                          .o = s->co,
                          .k = layer->depth};
    if (is_pointwise(s)) job.x = (const element *)layer->call->in[0].data + layer->group * s->ci, job.ldx = s->c;
    weights_run(pool, &job, layer->call->workspace);
}

static void backward(const struct call *call, const struct step *step)
{
    struct layer layer = make_layer(call, step);
    struct biases biases = {call->din[2].data, call->dout[0].data,      layer.n,
                            layer.batch,       layer.s.oh * layer.s.ow, layer.s.o};
    if (biases.db) biases_run(step->pool, &biases);
    if (is_depthwise(&layer.s)) {
        DEPTHWISE(depthwise_backward)(call, step);
        return;
    }
    for (layer.group = 0; layer.group < layer.s.groups; layer.group++) {
        if (call->din[0].data) input_gradient(&layer, step->pool);
        if (call->din[1].data) weight_gradient(&layer, step->pool);
    }
}

extern const struct kernel ISA_NAME(conv2d_cpu);
const struct kernel ISA_NAME(conv2d_cpu) = {
    .forward = forward, .backward = backward, .workspace = workspace, .macs = macs};
