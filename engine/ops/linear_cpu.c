/* y = x weight^T + bias. */
#include "engine/backends/backend.h"
#include "engine/backends/cpu/product.h"
#include "engine/ops/op.h"

struct layer {
    const element *x;
    int64_t c, pixels; /* rows of one sample: the "pixels" of product.h */
};

static struct layer make_layer(const struct call *call)
{
    const struct shape x = call->in[0].shape;
    const int64_t c = call->in[1].shape.size[1];
    return (struct layer){call->in[0].data, c, shape_count(x) / x.size[0] / c};
}

static void forward(const struct call *call, const struct step *step)
{
    const struct layer layer = make_layer(call);
    const int64_t o = call->in[1].shape.size[0];
    struct product job = {.y = {.c = call->out[0].data, .ldc = o, .bias = call->in[2].data},
                          .a = layer.x,
                          .lda = layer.c,
                          .ldw = layer.c,
                          .m = step->n * layer.pixels,
                          .n = o,
                          .depth = layer.c,
                          .transposed = true};
    product_run(step->pool, &job, call->in[1].data, o * layer.c, call->workspace);
}

static void input_gradient(const struct call *call, const struct step *step, const struct layer *layer)
{
    const int64_t o = call->in[1].shape.size[0];
    struct product job = {.y = {.c = call->din[0].data, .ldc = layer->c},
                          .a = call->dout[0].data,
                          .lda = o,
                          .ldw = layer->c,
                          .m = step->n * layer->pixels,
                          .n = layer->c,
                          .depth = o};
    product_run(step->pool, &job, call->in[1].data, o * layer->c, call->workspace);
}

static void backward(const struct call *call, const struct step *step)
{
    const struct layer layer = make_layer(call);
    const int64_t o = call->in[1].shape.size[0], batch = call->in[0].shape.size[0];
    if (call->din[0].data) input_gradient(call, step, &layer);
    struct weights weights = {.x = layer.x,
                              .ldx = layer.c,
                              .dw = call->din[1].data,
                              .dy = call->dout[0].data,
                              .n = step->n,
                              .batch = batch,
                              .pixels = layer.pixels,
                              .ldy = o,
                              .o = o,
                              .k = layer.c};
    if (weights.dw) weights_run(step->pool, &weights, call->workspace);
    struct biases biases = {call->din[2].data, call->dout[0].data, step->n, batch, layer.pixels, o};
    if (biases.db) biases_run(step->pool, &biases);
}

static size_t workspace(const struct node *node, int threads)
{
    const int64_t o = node->in[1]->shape.size[0], c = node->in[1]->shape.size[1], batch = node->in[0]->shape.size[0];
    const int64_t rows = product_elements(o, c, threads), columns = product_elements(c, o, threads);
    const size_t most = (size_t)(rows > columns ? rows : columns) * sizeof(element),
                 weights = weights_bytes(batch, o, c, threads);
    return most > weights ? most : weights;
}

extern const struct kernel ISA_NAME(linear_cpu);
const struct kernel ISA_NAME(linear_cpu) = {.forward = forward, .backward = backward, .workspace = workspace};
