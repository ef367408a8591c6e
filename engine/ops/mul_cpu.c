/* a * b; b has a's shape or is [n,1,1,c] spread over a. da may lie over dy, so db is formed first. */
#include "engine/backends/backend.h"
#include "engine/backends/pool.h"
#include "engine/ops/spread.h"
#include "engine/ops/sums_cpu.h"

struct job {
    const struct call *call;
    struct spread spread; /* c == 0: equal shapes */
    bool stream;          /* the output goes past the caches */
};

static void multiply(element *to, const element *a, const element *b, int64_t count)
{
#define MULTIPLY(k, n) element_store_some(to + (k), element_read_some(a + (k), n) * element_load_some(b + (k), n), n)
    EACH_VECTOR(count, MULTIPLY);
#undef MULTIPLY
}

/* The same past the caches. */
static void multiply_stream(element *to, const element *a, const element *b, int64_t count)
{
    for (int64_t k = 0; k < count; k += VEC)
        element_stream(to + k, element_read_some(a + k, VEC) * element_load(b + k));
}

static void forward_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    const struct spread s = job->spread;
    const int64_t width = s.c ? s.c : s.row;
    const element *a = (const element *)job->call->in[0].data + n * s.row,
                  *b = (const element *)job->call->in[1].data + n * width;
    element *to = (element *)job->call->out[0].data + n * s.row;
    for (int64_t i = 0; i < s.row; i += width) (job->stream ? multiply_stream : multiply)(to + i, a + i, b, width);
    vec_stream_end();
}

static void backward_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    const struct spread s = job->spread;
    const int64_t width = s.c ? s.c : s.row;
    const element *a = (const element *)job->call->in[0].data + n * s.row,
                  *b = (const element *)job->call->in[1].data + n * width;
    const element *dy = (const element *)job->call->dout[0].data + n * s.row;
    element *da = job->call->din[0].data, *db = job->call->din[1].data;
    if (db)
        EACH_SUMS(width, {
            for (int64_t i = 0; i < s.row; i += width) sums_add_product(sum, dy + i + k, a + i + k, columns);
            sums_store(db + n * width + k, sum, 1, columns);
        })
    for (int64_t i = 0; da && i < s.row; i += width) multiply(da + n * s.row + i, dy + i, b, width);
}

static void forward(const struct call *call, const struct step *step)
{
    struct job job = {.call = call, .spread = spread_of(call->node)};
    const struct spread s = job.spread;
    const int64_t width = s.c ? s.c : s.row;
    const element *to = call->out[0].data;
    job.stream = to != call->in[0].data && element_streams(to, width, step->n * s.row / width, width);
    pool_run(step->pool, step->n, forward_sample, &job);
}

static void backward(const struct call *call, const struct step *step)
{
    struct job job = {.call = call, .spread = spread_of(call->node)};
    pool_run(step->pool, step->n, backward_sample, &job);
}

extern const struct kernel ISA_NAME(mul_cpu);
const struct kernel ISA_NAME(mul_cpu) = {.forward = forward, .backward = backward, .recompute = forward};
