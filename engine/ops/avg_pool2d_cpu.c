#include "engine/ops/pool_cpu.h"
#include "engine/ops/sums_cpu.h"

static float share_of(const struct pool_sizes *s, const struct pool_window *v)
{
    int64_t count = s->options.exclude_pad ? (v->h1 - v->h0) * (v->w1 - v->w0) : v->padded;
    return 1.0f / (float)count;
}

static void forward_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct pool_job *job = context;
    const struct pool_sizes *s = &job->sizes;
    const element *x = (const element *)job->call->in[0].data + n * s->h * s->w * s->c;
    element *y = (element *)job->call->out[0].data + n * s->oh * s->ow * s->c;
    for (int64_t oh = 0; oh < s->oh; oh++)
        for (int64_t ow = 0; ow < s->ow; ow++, y += s->c) {
            const struct pool_window v = pool_window(s, oh, ow);
            EACH_SUMS(s->c, {
                for (int64_t h = v.h0; h < v.h1; h++)
                    for (int64_t w = v.w0; w < v.w1; w++) sums_add(sum, x + (h * s->w + w) * s->c + k, columns);
                sums_store(y + k, sum, share_of(s, &v), columns);
            })
        }
}

static void backward_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct pool_job *job = context;
    const struct pool_sizes *s = &job->sizes;
    const element *dy = (const element *)job->call->dout[0].data + n * s->oh * s->ow * s->c;
    element *dx = (element *)job->call->din[0].data + n * s->h * s->w * s->c;
    memset(dx, 0, (size_t)(s->h * s->w * s->c) * sizeof *dx);
    for (int64_t oh = 0; oh < s->oh; oh++)
        for (int64_t ow = 0; ow < s->ow; ow++, dy += s->c) {
            const struct pool_window v = pool_window(s, oh, ow);
            for (int64_t h = v.h0; h < v.h1; h++)
                for (int64_t w = v.w0; w < v.w1; w++)
                    elements_add_scaled(dx + (h * s->w + w) * s->c, dy, share_of(s, &v), s->c);
        }
}

static void forward(const struct call *call, const struct step *step)
{
    pool_samples(call, step, forward_sample);
}

static void backward(const struct call *call, const struct step *step)
{
    pool_samples(call, step, backward_sample);
}

extern const struct kernel ISA_NAME(avg_pool2d_cpu);
const struct kernel ISA_NAME(avg_pool2d_cpu) = {.forward = forward, .backward = backward};
