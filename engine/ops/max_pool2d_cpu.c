#include "engine/ops/pool_cpu.h"

/* The largest of one window for a vector of channels, and where: the first of equals; NaN wins. */
static inline __attribute__((always_inline)) void pick(const struct pool_sizes *s, const struct pool_window *v,
                                                       const element *x, element *y, int32_t *at, int64_t count)
{
    vec best = {0};
    ivec where = {0};
    for (int64_t h = v->h0; h < v->h1; h++)
        for (int64_t w = v->w0; w < v->w1; w++) {
            const int64_t index = h * s->w + w;
            const vec value = element_load_some(x + index * s->c, count);
            const bool first = h == v->h0 && w == v->w0;
            const ivec nan = value != value; /* NOLINT(misc-redundant-expression) */
            const ivec better = first ? ~(ivec){0} : (value > best) | nan;
            best = (vec)(((ivec)value & better) | ((ivec)best & ~better));
            where = ((int32_t)index & better) | (where & ~better);
        }
    element_store_some(y, best, count);
    vec_store_some((float *)at, (vec)where, count);
}

static void forward_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct pool_job *job = context;
    const struct pool_sizes *s = &job->sizes;
    const element *x = (const element *)job->call->in[0].data + n * s->h * s->w * s->c;
    element *y = (element *)job->call->out[0].data + n * s->oh * s->ow * s->c;
    int32_t *at = (int32_t *)job->call->saved[0].data + n * s->oh * s->ow * s->c;
    for (int64_t oh = 0; oh < s->oh; oh++)
        for (int64_t ow = 0; ow < s->ow; ow++, y += s->c, at += s->c) {
            const struct pool_window v = pool_window(s, oh, ow);
            int64_t k = 0;
            for (; k + VEC <= s->c; k += VEC) pick(s, &v, x + k, y + k, at + k, VEC);
            if (k < s->c) pick(s, &v, x + k, y + k, at + k, s->c - k);
        }
}

static void backward_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct pool_job *job = context;
    const struct pool_sizes *s = &job->sizes;
    const element *dy = (const element *)job->call->dout[0].data + n * s->oh * s->ow * s->c;
    const int32_t *at = (const int32_t *)job->call->saved[0].data + n * s->oh * s->ow * s->c;
    element *dx = (element *)job->call->din[0].data + n * s->h * s->w * s->c;
    memset(dx, 0, (size_t)(s->h * s->w * s->c) * sizeof *dx);
    for (int64_t i = 0; i < s->oh * s->ow; i++, dy += s->c, at += s->c)
        for (int64_t k = 0; k < s->c; k++) {
            element *to = dx + at[k] * s->c + k;
            *to = element_of(element_value(*to) + element_value(dy[k]));
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

extern const struct kernel ISA_NAME(max_pool2d_cpu);
const struct kernel ISA_NAME(max_pool2d_cpu) = {.forward = forward, .backward = backward};
