/* Cross entropy as in cross_entropy.c: rows are few and short, so each is done in double. */
#include "engine/backends/backend.h"
#include "engine/backends/cpu/isa.h"
#include "engine/backends/pool.h"
#include "engine/ops/op.h"

#include <math.h>

struct job {
    const struct call *call;
    const struct step *step;
    int64_t classes;
    double smoothing;
};

static double log_sum(const element *z, int64_t classes, int64_t *best)
{
    *best = 0;
    for (int64_t k = 1; k < classes; k++)
        if (element_value(z[k]) > element_value(z[*best])) *best = k;
    double sum = 0, most = (double)element_value(z[*best]);
    for (int64_t k = 0; k < classes; k++) sum += exp((double)element_value(z[k]) - most);
    return most + log(sum);
}

static void forward_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    const element *z = (const element *)job->call->in[0].data + n * job->classes;
    const int32_t target = ((const int32_t *)job->call->in[1].data)[n];
    int64_t best;
    const double all = log_sum(z, job->classes, &best), spread = job->smoothing / (double)job->classes;
    double loss = 0;
    if (target >= 0 && job->smoothing < 1) loss = (1 - job->smoothing) * (all - (double)element_value(z[target]));
    for (int64_t k = 0; target >= 0 && spread > 0 && k < job->classes; k++)
        loss += spread * (all - (double)element_value(z[k]));
    ((float *)job->call->out[0].data)[n] = (float)loss;
    ((int32_t *)job->call->out[1].data)[n] = (int32_t)best;
}

static void backward_sample(void *context, int64_t n, int thread)
{
    (void)thread;
    const struct job *job = context;
    const element *z = (const element *)job->call->in[0].data + n * job->classes;
    element *dz = (element *)job->call->din[0].data + n * job->classes;
    const int32_t target = ((const int32_t *)job->call->in[1].data)[n];
    int64_t best;
    const double all = log_sum(z, job->classes, &best), spread = job->smoothing / (double)job->classes;
    for (int64_t k = 0; k < job->classes; k++) {
        const double wanted = (k == target ? 1 - job->smoothing : 0) + spread;
        const double slope = *job->step->loss_weight * (exp((double)element_value(z[k]) - all) - wanted);
        dz[k] = element_of(target < 0 ? 0 : (float)slope);
    }
}

static void run(const struct call *call, const struct step *step, void (*work)(void *, int64_t, int))
{
    struct job job = {call, step, call->in[0].shape.size[1], *(const double *)call->node->options};
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

extern const struct kernel ISA_NAME(cross_entropy_cpu);
const struct kernel ISA_NAME(cross_entropy_cpu) = {.forward = forward, .backward = backward};
