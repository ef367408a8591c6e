/* a + b; b has a's shape or is [n,1,1,c] spread over a. */
#include "engine/backends/backend.h"
#include "engine/backends/pool.h"
#include "engine/ops/spread.h"
#include "engine/ops/sums_cpu.h"

#include <string.h>

struct job {
    const struct call *call;
    struct spread spread; /* c == 0: equal shapes */
};

static void add_rows(element *to, const element *a, const element *b, int64_t count)
{
#define ADD(k, n) element_store_some(to + (k), element_read_some(a + (k), n) + element_read_some(b + (k), n), n)
    EACH_VECTOR(count, ADD);
#undef ADD
}

/* One sample. */
static void forward_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    const struct spread s = job->spread;
    const element *a = (const element *)job->call->in[0].data + n * s.row;
    element *to = (element *)job->call->out[0].data + n * s.row;
    if (!s.c) {
        add_rows(to, a, (const element *)job->call->in[1].data + n * s.row, s.row);
        return;
    }
    const element *b = (const element *)job->call->in[1].data + n * s.c;
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
    const element *dy = (const element *)job->call->dout[0].data + n * s.row;
    element *da = job->call->din[0].data, *db = job->call->din[1].data;
    if (db && s.c) {
        EACH_SUMS(s.c, {
            for (int64_t i = 0; i < s.row; i += s.c) sums_add(sum, dy + i + k, columns);
            sums_store(db + n * s.c + k, sum, 1, columns);
        })
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
