/* A 1x1 convolution and its batch norm in one pass each way, for large pictures, where memory is what takes time:
 *     forward   z = x w^T a block of pixels at a time; while the block is in the cache, its rows are added to the
 * norm's sums. When the statistics are known, y = f((z - mean) factor + shift) is a pass of its own. evaluate  the
 * statistics are known: y leaves the block at once, z is never stored. backward  sums over z and dy first. Then a block
 * of dz is found from z and dy, and while it is in the cache both dx = dz w and the block's part of dw = dz^T x are; dz
 * is never stored. The weights, packed, and one sum of dw stay in the second-level cache (engine/graph/fuse.c sees to
 * it). Workspace: the norm's, weights as elements and packed, a block of rows and a spare per thread; then what dw
 * wants. */
#include "engine/backends/cpu/product.h"
#include "engine/ops/batch_norm_cpu.h"
#include "engine/ops/conv_norm.h"

/* Rows of a block: what dw takes at a time. */
enum { BLOCK = WEIGHTS_PIXELS };

struct job {
    struct norm norm;
    struct call norm_call;
    const element *x, *packed;
    element *z, *y, *dx;
    int64_t ci, co, pixels; /* pixels of one sample */
    char *threads;          /* each thread's place */
    size_t per_thread;
    struct weights weights;
    bool stream; /* z, or dx, or an evaluation's y, goes past the caches */
};

/* ---- workspace ---- */

static int64_t largest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static size_t in_lines(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* A block [BLOCK][co], and the rows that may not be read past. */
static size_t thread_bytes(int64_t ci, int64_t co)
{
    return in_lines((size_t)(BLOCK * gemm_padded(co) + gemm_spare(largest(ci, co))) * sizeof(element));
}

static size_t packed_bytes(int64_t ci, int64_t co)
{
    const int64_t packed = largest(product_packed(co, ci), product_packed(ci, co));
    return in_lines((size_t)(product_weights_room(ci * co) + packed) * sizeof(element));
}

static size_t workspace(const struct node *node, int threads)
{
    const struct conv_norm_nodes *nodes = node->options;
    const int64_t ci = node->in[0]->shape.size[3], co = node->out[0]->shape.size[3];
    return in_lines(norm_workspace(nodes->norm)) + packed_bytes(ci, co) + (size_t)threads * thread_bytes(ci, co) +
           weights_room(leaf_count(node->in[0]->shape.size[0]), co, ci, threads);
}

static void open_job(struct job *job, const struct call *call, const struct step *step)
{
    const int64_t *x = call->in[0].shape.size;
    *job = (struct job){.norm_call = conv_norm_norm(call, NULL),
                        .x = call->in[0].data,
                        .z = call->saved[CONV_NORM_Z].data,
                        .y = call->out[0].data,
                        .dx = call->din[0].data,
                        .ci = x[3],
                        .co = call->out[0].shape.size[3],
                        .pixels = x[1] * x[2]};
    job->norm_call.workspace = call->workspace;
    job->norm = norm_of(&job->norm_call, step);
}

/* Packs the weights for products with x (transposed) or with dz, and finds the threads' places behind them. */
static void pack_weights(struct job *job, const struct call *call, const struct step *step, bool transposed)
{
    const struct conv_norm_nodes *nodes = call->node->options;
    char *at = (char *)call->workspace + in_lines(norm_workspace(nodes->norm));
    element *room = (element *)(void *)at, *packed = room + product_weights_room(job->ci * job->co);
    struct product product = {.weight = product_weights(step->pool, call->in[1].data, job->ci * job->co, room),
                              .ldw = job->ci,
                              .n = transposed ? job->co : job->ci,
                              .depth = transposed ? job->ci : job->co,
                              .transposed = transposed,
                              .packed = packed};
    pool_run(step->pool, gemm_panels(product.n), product_pack, &product);
    job->packed = packed;
    job->threads = at + packed_bytes(job->ci, job->co);
    job->per_thread = thread_bytes(job->ci, job->co);
}

static element *block_of(const struct job *job, int thread)
{
    return (element *)(void *)(job->threads + (size_t)thread * job->per_thread);
}

static element *spare_of(const struct job *job, int thread)
{
    return block_of(job, thread) + BLOCK * gemm_padded(job->co);
}

/* ---- forward ---- */

/* Rows row … row + count - 1 of z, into the thread's block. */
static const element *convolve(const struct job *job, int64_t row, int64_t count, int thread)
{
    const struct gemm_rows to = {.c = block_of(job, thread), .ldc = job->co};
    gemm_rows(&to, job->x + row * job->ci, job->ci, job->packed, count, job->co, job->ci, spare_of(job, thread));
    return to.c;
}

static void store_rows(const struct job *job, element *to, const element *rows, int64_t count)
{
    if (!job->stream) {
        memcpy(to, rows, (size_t)(count * job->co) * sizeof *to);
        return;
    }
    for (int64_t i = 0; i < count * job->co; i += VEC) element_stream(to + i, element_load(rows + i));
    vec_stream_end();
}

static void forward_sample(void *context, int64_t n, int thread)
{
    const struct job *job = context;
    double *sum = job->norm.sums + n * NORM_SUMS * job->co;
    memset(sum, 0, (size_t)(NORM_SUMS * job->co) * sizeof *sum);
    for (int64_t first = 0; first < job->pixels; first += BLOCK) {
        const int64_t count = job->pixels - first < BLOCK ? job->pixels - first : BLOCK, row = n * job->pixels + first;
        const element *rows = convolve(job, row, count, thread);
        norm_sum_rows(&job->norm, sum, rows, count);
        store_rows(job, job->z + row * job->co, rows, count);
    }
}

static void normalize(struct job *job, const struct step *step)
{
    job->norm.stream = element_streams(job->y, job->co, job->norm.n * job->pixels, job->co);
    pool_run(step->pool, job->norm.n, norm_sample, &job->norm);
}

static void forward(const struct call *call, const struct step *step)
{
    struct job job;
    open_job(&job, call, step);
    pack_weights(&job, call, step, true);
    job.stream = element_streams(job.z, job.co, job.norm.n * job.pixels, job.co);
    /* the pivot: the mean that is remembered */
    memcpy(job.norm.numbers, job.norm_call.in[3].data, (size_t)job.co * sizeof(float));
    pool_run(step->pool, job.norm.n, forward_sample, &job);
    ++*(int64_t *)job.norm_call.in[5].data;
    pool_run(step->pool, norm_blocks(&job.norm), norm_resolve, &job.norm);
    normalize(&job, step);
}

/* y again, from what the last forward saved. */
static void recompute(const struct call *call, const struct step *step)
{
    struct job job;
    open_job(&job, call, step);
    norm_restore(&job.norm);
    normalize(&job, step);
}

/* ---- evaluation ---- */

static void evaluate_block(void *context, int64_t block, int thread)
{
    const struct job *job = context;
    const int64_t row = block * BLOCK, rest = job->norm.n * job->pixels - row, count = rest < BLOCK ? rest : BLOCK;
    norm_rows(&job->norm, job->y + row * job->co, convolve(job, row, count, thread), count);
}

static void evaluate(const struct call *call, const struct step *step)
{
    struct job job;
    open_job(&job, call, step);
    pack_weights(&job, call, step, true);
    job.norm.on_batch = false;
    job.norm.stream = element_streams(job.y, job.co, job.norm.n * job.pixels, job.co);
    pool_run(step->pool, norm_blocks(&job.norm), norm_resolve, &job.norm);
    pool_run(step->pool, (job.norm.n * job.pixels + BLOCK - 1) / BLOCK, evaluate_block, &job);
}

/* ---- backward ---- */

/* Adds the part of one block of dz to the sum of a leaf; `add`: there is something in it. */
static void add_weights(const struct job *job, const element *dz, int64_t leaf, int64_t sample, int64_t first,
                        int64_t count, bool add, int thread)
{
    for (int64_t o = 0; o < job->co; o += WEIGHTS_O)
        for (int64_t k = 0; k < job->ci; k += WEIGHTS_K) {
            struct weights_tile tile = weights_begin(&job->weights, leaf, o, k, thread);
            tile.add = add;
            weights_gather_near(&tile, dz, sample, first, count);
            weights_multiply(&tile);
        }
}

static void backward_block(const struct job *job, int64_t leaf, int64_t sample, int64_t first, bool add, int thread)
{
    const int64_t count = job->pixels - first < BLOCK ? job->pixels - first : BLOCK, row = sample * job->pixels + first;
    element *dz = block_of(job, thread);
    const element *dy = (const element *)job->norm_call.dout[0].data + row * job->co;
    norm_backward_rows(&job->norm, dz, dy, job->z + row * job->co, count);
    if (job->weights.dw) add_weights(job, dz, leaf, sample, first, count, add, thread);
    if (!job->dx) return;
    const struct gemm_rows to = {.c = job->dx + row * job->ci, .ldc = job->ci, .stream = job->stream};
    gemm_rows(&to, dz, job->co, job->packed, count, job->ci, job->co, spare_of(job, thread));
    vec_stream_end();
}

/* The samples of one leaf, in order. */
static void backward_leaf(void *context, int64_t leaf, int thread)
{
    const struct job *job = context;
    bool add = false;
    for (int64_t sample = leaf; sample < job->norm.n; sample += job->weights.leaves)
        for (int64_t first = 0; first < job->pixels; first += BLOCK, add = true)
            backward_block(job, leaf, sample, first, add, thread);
    if (!add && job->weights.dw)
        memset(job->weights.leaf + leaf * job->co * job->ci, 0, (size_t)(job->co * job->ci) * sizeof(float));
}

static void backward(const struct call *call, const struct step *step)
{
    struct job job;
    open_job(&job, call, step);
    norm_begin_backward(&job.norm, step->pool);
    pack_weights(&job, call, step, false);
    job.stream = job.dx && element_streams(job.dx, job.ci, job.norm.n * job.pixels, job.ci);
    job.weights = (struct weights){.x = job.x,
                                   .ldx = job.ci,
                                   .pixels = job.pixels,
                                   .dw = call->din[1].data,
                                   .ldy = job.co,
                                   .o = job.co,
                                   .k = job.ci};
    const int threads = pool_threads(step->pool);
    weights_place(&job.weights, leaf_count(job.norm.batch), job.threads + (size_t)threads * job.per_thread);
    pool_run(step->pool, job.weights.leaves, backward_leaf, &job);
    if (job.weights.dw) weights_finish(step->pool, &job.weights);
}

extern const struct kernel ISA_NAME(conv_norm_cpu);
const struct kernel ISA_NAME(conv_norm_cpu) = {.forward = forward,
                                               .backward = backward,
                                               .evaluate = evaluate,
                                               .recompute = recompute,
                                               .recompute_from_saved = true,
                                               .workspace = workspace};
