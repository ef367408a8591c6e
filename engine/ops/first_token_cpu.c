#include "engine/backends/backend.h"
#include "engine/backends/cpu/isa.h"
#include "engine/ops/op.h"

/* A few kilobytes: not worth the pool. */
static void forward(const struct call *call, const struct step *step)
{
    const int64_t *x = call->in[0].shape.size, d = x[2];
    for (int64_t n = 0; n < step->n; n++)
        memcpy((element *)call->out[0].data + n * d, (const element *)call->in[0].data + n * x[1] * d,
               (size_t)d * sizeof(element));
}

static void backward(const struct call *call, const struct step *step)
{
    const int64_t *x = call->din[0].shape.size, d = x[2];
    memset(call->din[0].data, 0, (size_t)(step->n * x[1] * d) * sizeof(element));
    for (int64_t n = 0; n < step->n; n++)
        memcpy((element *)call->din[0].data + n * x[1] * d, (const element *)call->dout[0].data + n * d,
               (size_t)d * sizeof(element));
}

extern const struct kernel ISA_NAME(first_token_cpu);
const struct kernel ISA_NAME(first_token_cpu) = {.forward = forward, .backward = backward};
