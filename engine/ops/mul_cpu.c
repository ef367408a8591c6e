/* a * b; b has a's shape or is [n,1,1,c] spread over a. da may lie over dy, so db is formed first. */
#include "engine/backends/backend.h"
#include "engine/backends/cpu/isa.h"
#include "engine/backends/pool.h"
#include "engine/ops/spread.h"

#include <string.h>

struct job {
    const struct call *call;
    struct spread spread; /* c == 0: equal shapes */
};

static void multiply(float *to, const float *a, const float *b, int64_t count)
{
    for (int64_t i = 0; i < count; i++) to[i] = a[i] * b[i];
}

static void multiply_add(float *restrict sum, const float *restrict a, const float *restrict b, int64_t count)
{
    for (int64_t i = 0; i < count; i++) sum[i] += a[i] * b[i];
}

static void forward_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    const struct spread s = job->spread;
    const int64_t width = s.c ? s.c : s.row;
    const float *a = (const float *)job->call->in[0].data + n * s.row,
                *b = (const float *)job->call->in[1].data + n * width;
    float *to = (float *)job->call->out[0].data + n * s.row;
    for (int64_t i = 0; i < s.row; i += width) multiply(to + i, a + i, b, width);
}

static void backward_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    const struct spread s = job->spread;
    const int64_t width = s.c ? s.c : s.row;
    const float *a = (const float *)job->call->in[0].data + n * s.row,
                *b = (const float *)job->call->in[1].data + n * width;
    const float *dy = (const float *)job->call->dout[0].data + n * s.row;
    float *da = job->call->din[0].data, *db = job->call->din[1].data;
    if (db) {
        memset(db + n * width, 0, (size_t)width * sizeof *db);
        for (int64_t i = 0; i < s.row; i += width) multiply_add(db + n * width, dy + i, a + i, width);
    }
    for (int64_t i = 0; da && i < s.row; i += width) multiply(da + n * s.row + i, dy + i, b, width);
}

static void run(const struct call *call, const struct step *step, void (*work)(void *, int64_t, int))
{
    struct job job = {.call = call, .spread = spread_of(call->node)};
    pool_run(step->pool, step->n, work, &job);
}

static void forward(const struct call *call, const struct step *step)
{
    run(call, step, forward_sample);
}

static void backward(const struct call *call, const struct step *step)
{
    run(call, step, backward_sample);
}

extern const struct kernel ISA_NAME(mul_cpu);
const struct kernel ISA_NAME(mul_cpu) = {.forward = forward, .backward = backward, .recompute = forward};
