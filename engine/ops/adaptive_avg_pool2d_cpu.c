/* Output bin i of `out` covers floor(i in / out) … ceil((i + 1) in / out) - 1. */
#include "engine/backends/backend.h"
#include "engine/backends/pool.h"
#include "engine/ops/op.h"
#include "engine/ops/sums_cpu.h"

struct job {
    element *to;
    const element *from;
    const int64_t *x, *y; /* sizes [n,h,w,c] of input and output */
    bool backward, adds;  /* backward: adds to what is there */
};

/* Forward sums each bin into its output; backward spreads each output's gradient over its bin. */
static void one_bin(const struct job *job, int64_t n, int64_t oh, int64_t ow)
{
    const int64_t *x = job->x, *y = job->y, c = x[3];
    const int64_t h0 = oh * x[1] / y[1], h1 = ((oh + 1) * x[1] + y[1] - 1) / y[1];
    const int64_t w0 = ow * x[2] / y[2], w1 = ((ow + 1) * x[2] + y[2] - 1) / y[2];
    const float share = 1.0f / (float)((h1 - h0) * (w1 - w0));
    const int64_t in = n * x[1] * x[2], out = ((n * y[1] + oh) * y[2] + ow) * c;
    if (job->backward) {
        for (int64_t h = h0; h < h1; h++)
            for (int64_t w = w0; w < w1; w++)
                elements_add_scaled(job->to + (in + h * x[2] + w) * c, job->from + out, share, c);
        return;
    }
    EACH_SUMS(c, {
        for (int64_t h = h0; h < h1; h++)
            for (int64_t w = w0; w < w1; w++) sums_add(sum, job->from + (in + h * x[2] + w) * c + k, columns);
        sums_store(job->to + out + k, sum, share, columns);
    })
}

static void one_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    const int64_t *to = job->backward ? job->x : job->y, row = to[1] * to[2] * to[3];
    if (job->backward && !job->adds) memset(job->to + n * row, 0, (size_t)row * sizeof *job->to);
    for (int64_t oh = 0; oh < job->y[1]; oh++)
        for (int64_t ow = 0; ow < job->y[2]; ow++) one_bin(job, n, oh, ow);
}

static void forward(const struct call *call, const struct step *step)
{
    struct job job = {
        .to = call->out[0].data, .from = call->in[0].data, .x = call->in[0].shape.size, .y = call->out[0].shape.size};
    pool_run(step->pool, step->n, one_sample, &job);
}

static void run_backward(const struct call *call, const struct step *step, bool adds)
{
    struct job job = {.to = call->din[0].data,
                      .from = call->dout[0].data,
                      .x = call->din[0].shape.size,
                      .y = call->dout[0].shape.size,
                      .backward = true,
                      .adds = adds};
    pool_run(step->pool, step->n, one_sample, &job);
}

static void backward(const struct call *call, const struct step *step)
{
    run_backward(call, step, false);
}

static void backward_add(const struct call *call, const struct step *step)
{
    run_backward(call, step, true);
}

extern const struct kernel ISA_NAME(adaptive_avg_pool2d_cpu);
const struct kernel ISA_NAME(adaptive_avg_pool2d_cpu) = {
    .forward = forward, .backward = backward, .backward_add = backward_add};
