/* y = x weight^T + bias. */
#include "engine/backends/backend.h"
#include "engine/backends/cpu/product.h"
#include "engine/ops/op.h"

struct layer {
    const float *x;
    int64_t c;
};

/* One "pixel" per sample. */
static void pack_x(const void *context, float *packed, int64_t sample, int64_t first, int64_t count, int64_t column)
{
    (void)first;
    const struct layer *layer = context;
    gemm_pack(packed, layer->x + sample * layer->c, layer->c, layer->c, count, column / NR);
}

static void forward(const struct call *call, const struct step *step)
{
    const int64_t o = call->in[1].shape.size[0], c = call->in[1].shape.size[1];
    struct product job = {.y = call->out[0].data,
                          .a = call->in[0].data,
                          .weight = call->in[1].data,
                          .lda = c,
                          .ldy = o,
                          .ldw = c,
                          .m = step->n,
                          .n = o,
                          .depth = c,
                          .transposed = true};
    product_run(step->pool, &job, call->workspace);
    if (call->in[2].data) bias_add(job.y, call->in[2].data, step->n, o);
}

static void backward(const struct call *call, const struct step *step)
{
    const int64_t o = call->in[1].shape.size[0], c = call->in[1].shape.size[1], batch = call->in[0].shape.size[0];
    if (call->din[0].data) {
        struct product job = {.y = call->din[0].data,
                              .a = call->dout[0].data,
                              .weight = call->in[1].data,
                              .lda = o,
                              .ldy = c,
                              .ldw = c,
                              .m = step->n,
                              .n = c,
                              .depth = o};
        product_run(step->pool, &job, call->workspace);
    }
    if (call->din[1].data) {
        struct layer layer = {call->in[0].data, c};
        struct weights job = {.layer = &layer,
                              .pack_x = pack_x,
                              .dw = call->din[1].data,
                              .dy = call->dout[0].data,
                              .n = step->n,
                              .batch = batch,
                              .pixels = 1,
                              .ldy = o,
                              .o = o,
                              .k = c};
        weights_run(step->pool, &job, call->workspace);
    }
    struct biases job = {call->din[2].data, call->dout[0].data, step->n, batch, 1, o};
    if (job.db) biases_run(step->pool, &job);
}

static size_t workspace(const struct node *node, int threads)
{
    const int64_t o = node->in[1]->shape.size[0], c = node->in[1]->shape.size[1], batch = node->in[0]->shape.size[0];
    size_t rows = product_floats(o, c, threads), columns = product_floats(c, o, threads),
           weights = weights_floats(batch, o, c, threads);
    size_t most = rows > columns ? rows : columns;
    return (most > weights ? most : weights) * sizeof(float);
}

extern const struct kernel ISA_NAME(linear_cpu);
const struct kernel ISA_NAME(linear_cpu) = {.forward = forward, .backward = backward, .workspace = workspace};
