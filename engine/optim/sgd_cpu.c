#include "engine/backends/cpu/isa.h"
#include "engine/optim/segments.h"
#include "engine/optim/sgd.h"

static void update(const struct optimizer_call *call, const struct segment *piece)
{
    const struct sgd_options *o = call->options;
    const struct group_scalars *group = &call->group[piece->group];
    const float lr = (float)group->lr, decay = (float)group->weight_decay, momentum = (float)o->momentum;
    const float share = *call->step == 1 ? 1 : (float)(1.0 - o->dampening), kept = *call->step == 1 ? 0 : momentum;
    float *restrict p = (float *)call->parameter + piece->offset, *restrict buffer = (float *)call->state[0] +
                                                                                     piece->offset;
    const float *restrict gradient = (const float *)call->gradient + piece->offset;
    for (int64_t i = 0; i < piece->count; i++) {
        float g = gradient[i] + decay * p[i];
        if (momentum != 0) {
            buffer[i] = kept == 0 ? share * g : buffer[i] * kept + share * g;
            g = o->nesterov ? g + momentum * buffer[i] : buffer[i];
        }
        p[i] -= lr * g;
    }
}

void ISA_NAME(sgd_update)(const struct optimizer_call *call);
void ISA_NAME(sgd_update)(const struct optimizer_call *call)
{
    segments_run(call, update);
}
