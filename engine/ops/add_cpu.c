/* a + b; b has a's shape or is [n,1,1,c] spread over a. */
#include "engine/backends/backend.h"
#include "engine/backends/cpu/isa.h"
#include "engine/backends/pool.h"
#include "engine/ops/spread.h"

#include <string.h>

struct job {
    const struct call *call;
    struct spread spread; /* c == 0: equal shapes */
};

static void add_rows(float *to, const float *a, const float *b, int64_t count)
{
    for (int64_t i = 0; i < count; i++) to[i] = a[i] + b[i];
}

/* One sample. */
static void forward_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    const struct spread s = job->spread;
    const float *a = (const float *)job->call->in[0].data + n * s.row;
    float *to = (float *)job->call->out[0].data + n * s.row;
    if (!s.c) {
        add_rows(to, a, (const float *)job->call->in[1].data + n * s.row, s.row);
        return;
    }
    const float *b = (const float *)job->call->in[1].data + n * s.c;
    for (int64_t i = 0; i < s.row; i += s.c) add_rows(to + i, a + i, b, s.c);
}

static void forward(const struct call *call, const struct step *step)
{
    struct job job = {.call = call, .spread = spread_of(call->node)};
    pool_run(step->pool, step->n, forward_sample, &job);
}

/* da = dy, db = dy or its sum over the picture; da may lie over dy. */
static void backward_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    const struct spread s = job->spread;
    const float *dy = (const float *)job->call->dout[0].data + n * s.row;
    float *da = job->call->din[0].data, *db = job->call->din[1].data;
    if (db && s.c) {
        float *sum = db + n * s.c;
        memset(sum, 0, (size_t)s.c * sizeof *sum);
        for (int64_t i = 0; i < s.row; i += s.c) add_rows(sum, sum, dy + i, s.c);
    } else if (db) {
        memcpy(db + n * s.row, dy, (size_t)s.row * sizeof *db);
    }
    if (da && da != job->call->dout[0].data) memcpy(da + n * s.row, dy, (size_t)s.row * sizeof *da);
}

static void backward(const struct call *call, const struct step *step)
{
    struct job job = {.call = call, .spread = spread_of(call->node)};
    pool_run(step->pool, step->n, backward_sample, &job);
}

extern const struct kernel ISA_NAME(add_cpu);
const struct kernel ISA_NAME(add_cpu) = {.forward = forward, .backward = backward};
