#include "engine/trainer/ceilings.h"

#include "data/base/clock.h"
#include "engine/ops/ops.h"

/* Samples: more than threads, since some kernels give each thread whole ones. */
enum { ROUNDS = 6, SAMPLES = 64 };

/* The best of a few evaluations of SAMPLES, in seconds; `build` makes the graph of one layer. */
static enum lt_err time_layer(double *seconds, const struct plan_options *options,
                              struct value *(*build)(struct graph *g), int64_t *macs, int64_t *bytes)
{
    struct graph *graph = graph_new(SAMPLES);
    struct value *y = build(graph);
    struct plan *plan;
    LT_TRY(plan_build(&plan, graph, (struct plan_outputs){.output = {y}, .count = 1}, options));
    const struct plan_step step = {.n = SAMPLES};
    int count;
    const struct instruction *last = plan_instructions(plan, PLAN_EVALUATE, &count) + count - 1;
    *macs = last->macs;
    *bytes = last->bytes;
    *seconds = 0;
    for (int i = 0; i < ROUNDS; i++) {
        const int64_t begin = clock_ns();
        plan_evaluate(plan, &step);
        plan_synchronize(plan);
        const double s = (double)(clock_ns() - begin) * 1e-9;
        if (*seconds == 0 || s < *seconds) *seconds = s;
    }
    plan_free(plan);
    return LT_OK;
}

/* A product whose weights fit into the caches: 2 G multiply-adds. */
static struct value *build_product(struct graph *g)
{
    struct value *x = graph_input(g, "x", DTYPE_REAL, SHAPE(SAMPLES, 64, 1024));
    return linear(g, x, "product", (struct linear_options){.out_features = 512});
}

/* A sum of 64 MB and 64 MB (half of it in bfloat16), which no cache holds. */
static struct value *build_sum(struct graph *g)
{
    struct value *a = graph_input(g, "a", DTYPE_REAL, SHAPE(SAMPLES, 16, 16, 1024)),
                 *b = graph_input(g, "b", DTYPE_REAL, SHAPE(SAMPLES, 16, 16, 1024));
    return add(g, a, b, "sum");
}

enum lt_err ceilings_measure(struct ceilings *self, const struct backend *backend, struct device *device, bool bf16)
{
    const struct plan_options options = {.backend = backend, .device = device, .real = DTYPE_F32, .bf16 = bf16};
    double seconds;
    int64_t macs, bytes;
    LT_TRY(time_layer(&seconds, &options, build_product, &macs, &bytes));
    self->flops = 2 * (double)macs / seconds;
    LT_TRY(time_layer(&seconds, &options, build_sum, &macs, &bytes));
    self->bandwidth = (double)bytes / seconds;
    return LT_OK;
}

struct roof roof_of(const struct ceilings *self, const struct instruction *instruction)
{
    return (struct roof){2 * (double)instruction->macs / self->flops, (double)instruction->bytes / self->bandwidth};
}
