/* Bytes to numbers by a table of 3 x 256 (normalize.c). */
#include "engine/backends/backend.h"
#include "engine/backends/cpu/isa.h"
#include "engine/backends/pool.h"
#include "engine/ops/op.h"

struct job {
    const struct call *call;
    int64_t pixels; /* of one sample */
};

static void sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    element table[3 * 256];
    for (int i = 0; i < 3 * 256; i++) table[i] = element_of(((const float *)job->call->constant.data)[i]);
    const uint8_t *x = (const uint8_t *)job->call->in[0].data + n * job->pixels * 3;
    element *to = (element *)job->call->out[0].data + n * job->pixels * 3;
    for (int64_t i = 0; i < 3 * job->pixels; i += 3)
        for (int c = 0; c < 3; c++) to[i + c] = table[256 * c + x[i + c]];
}

static void forward(const struct call *call, const struct step *step)
{
    const int64_t *x = call->in[0].shape.size;
    struct job job = {call, x[1] * x[2]};
    pool_run(step->pool, step->n, sample, &job);
}

extern const struct kernel ISA_NAME(normalize_cpu);
const struct kernel ISA_NAME(normalize_cpu) = {.forward = forward};
