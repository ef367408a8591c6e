/* [n,h,w,c] -> [n,c*h*w]: a transposition per sample. */
#include "engine/backends/backend.h"
#include "engine/backends/cpu/isa.h"
#include "engine/backends/pool.h"
#include "engine/ops/op.h"

struct job {
    element *to;
    const element *from;
    int64_t rows, columns; /* of one sample of `from` */
};

static void transpose_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    const element *from = job->from + n * job->rows * job->columns;
    element *to = job->to + n * job->rows * job->columns;
    for (int64_t r = 0; r < job->rows; r++)
        for (int64_t c = 0; c < job->columns; c++) to[c * job->rows + r] = from[r * job->columns + c];
}

static void forward(const struct call *call, const struct step *step)
{
    const int64_t *x = call->in[0].shape.size;
    struct job job = {call->out[0].data, call->in[0].data, x[1] * x[2], x[3]};
    pool_run(step->pool, step->n, transpose_sample, &job);
}

static void backward(const struct call *call, const struct step *step)
{
    const int64_t *x = call->in[0].shape.size;
    struct job job = {call->din[0].data, call->dout[0].data, x[3], x[1] * x[2]};
    pool_run(step->pool, step->n, transpose_sample, &job);
}

extern const struct kernel ISA_NAME(flatten_cpu);
const struct kernel ISA_NAME(flatten_cpu) = {.forward = forward, .backward = backward};
