/* Running a plan: loops over instructions. Nothing here allocates or looks at a value on the device, except where one
 * is read. */
#include "data/base/clock.h"
#include "data/base/memory.h"
#include "data/base/span.h"
#include "engine/graph/plan_internal.h"

#include <math.h>
#include <stdlib.h>

static void copy_in(const struct plan *self, void *to, const void *host, size_t bytes)
{
    self->options.backend->copy_in(self->options.device, to, host, bytes);
}

void plan_set_input(struct plan *self, const char *name, const void *host, size_t bytes)
{
    const struct value *value = graph_find(self->graph, name);
    lt_assert(value && value->kind == VALUE_INPUT && bytes <= plan_bytes(self, value));
    const int64_t begin = clock_ns();
    copy_in(self, self->place[value->id].tensor.data, host, bytes);
    span_end(SPAN_TRANSFER, begin);
}

static struct step begin_step(struct plan *self, const struct plan_step *about, bool training)
{
    const struct backend *backend = self->options.backend;
    lt_assert(about->n >= 0 && about->n <= self->graph->batch);
    self->host.loss_weight = about->loss_weight;
    copy_in(self, self->loss_weight, &self->host.loss_weight, sizeof self->host.loss_weight);
    if (about->sample) copy_in(self, self->sample, about->sample, (size_t)about->n * sizeof *about->sample);
    return (struct step){.device = self->options.device,
                         .pool = backend->pool(self->options.device),
                         .n = about->n,
                         .training = training,
                         .key = rng_key(self->options.seed, RNG_DROPOUT),
                         .epoch = about->epoch,
                         .sample = self->sample,
                         .loss_weight = self->loss_weight};
}

/* One clock read an instruction: where one ends, the next begins. */
static void run(const struct instructions *list, const struct step *step)
{
    int64_t begin = clock_ns();
    for (int i = 0; i < list->count; i++) {
        const struct instruction *item = &list->item[i];
        item->run(item->call, step);
        if (item->span) begin = span_end(item->span, begin);
    }
}

void plan_forward(struct plan *self, const struct plan_step *about)
{
    const int64_t begin = clock_ns();
    const struct step step = begin_step(self, about, true);
    run(&self->list[PLAN_FORWARD], &step);
    span_end(SPAN_FORWARD, begin);
}

void plan_backward(struct plan *self, const struct plan_step *about)
{
    const int64_t begin = clock_ns();
    const struct step step = begin_step(self, about, true);
    run(&self->list[PLAN_BACKWARD], &step);
    if (self->options.accumulate)
        self->flat->accumulate(step.device, self->options.real, self->accumulated, self->gradients, self->flat_count,
                               about->first);
    span_end(SPAN_BACKWARD, begin);
}

void plan_evaluate(struct plan *self, const struct plan_step *about)
{
    const int64_t begin = clock_ns();
    const struct step step = begin_step(self, about, false);
    run(&self->list[PLAN_EVALUATE], &step);
    span_end(SPAN_EVALUATE, begin);
}

/* ---- update ---- */

static void set_scalars(struct plan *self, const double *lr, int64_t update)
{
    for (int i = 0; i < OPTIMIZER_GROUPS_MAX; i++) self->host.group[i] = (struct group_scalars){.lr = lr[i]};
    self->host.group[0].weight_decay =
        optimizer_at(self->options.optimizer)->weight_decay(self->options.optimizer_options);
    self->host.update = update;
    copy_in(self, self->group, self->host.group, sizeof self->host.group);
    copy_in(self, self->update, &self->host.update, sizeof self->host.update);
}

/* By norm: gradients scaled so that their global norm is at most clip_value. By value: each element cut to ±clip_value.
 */
static void clip(struct plan *self, void *gradient)
{
    struct device *device = self->options.device;
    const bool by_norm = self->options.clip == CLIP_NORM;
    const double most = self->options.clip_value;
    self->flat->clip_factor(device, self->clip_factor, self->square_sums + self->segments, by_norm ? most : 0);
    self->flat->clip(device, self->options.real, gradient, self->flat_count, self->clip_factor, by_norm ? 0 : most);
}

void plan_set_clip(struct plan *self, enum clip_algorithm algorithm, double value)
{
    self->options.clip = algorithm;
    self->options.clip_value = value;
}

void plan_watch(struct plan *self)
{
    lt_assert(self->options.watch);
    self->watching = true;
}

/* Before the gradient is clipped and the parameters change. */
static void look_before(struct plan *self, const void *gradient, bool watching)
{
    const struct flat_counts counts = {self->zeros, self->nonfinite,
                                       watching ? NULL : self->square_sums + self->segments};
    struct device *device = self->options.device;
    self->flat->counts(device, self->options.real, &counts, gradient, self->segment, self->segments);
    if (watching)
        self->flat->accumulate(device, self->options.real, self->before, self->parameters, self->flat_count, true);
}

static void look_after(struct plan *self)
{
    const struct flat_changes changes = {self->change, self->size, self->before};
    self->flat->changes(self->options.device, self->options.real, &changes, self->parameters, self->segment,
                        self->segments);
}

void plan_update(struct plan *self, const double lr[OPTIMIZER_GROUPS_MAX], int64_t update)
{
    const int64_t begin = clock_ns();
    const struct backend *backend = self->options.backend;
    struct device *device = self->options.device;
    void *gradient = self->options.accumulate ? self->accumulated : self->gradients;
    set_scalars(self, lr, update);
    self->flat->square_sums(device, self->options.real, self->square_sums, gradient, self->segment, self->segments);
    const bool watching = self->watching;
    if (self->options.watch) look_before(self, gradient, watching);
    if (self->options.clip != CLIP_NONE) clip(self, gradient);
    const struct optimizer_call call = {.options = self->options.optimizer_options,
                                        .real = self->options.real,
                                        .parameter = self->parameters,
                                        .gradient = gradient,
                                        .state = {self->state[0], self->state[1], self->state[2]},
                                        .segment = self->segment,
                                        .segments = self->segments,
                                        .group = self->group,
                                        .step = self->update,
                                        .pool = backend->pool(device)};
    backend->update(device, self->options.optimizer)(&call);
    if (watching) look_after(self);
    self->watched = watching;
    self->watching = false;
    span_end(SPAN_OPTIMIZER, begin);
}

/* ---- reading ---- */

void plan_read(struct plan *self, const struct value *output, void *host, int64_t n)
{
    const struct tensor tensor = self->place[output->id].tensor;
    const size_t row = (size_t)(shape_count(tensor.shape) / tensor.shape.size[0]) * dtype_bytes(tensor.dtype);
    self->options.backend->copy_out(self->options.device, host, tensor.data, (size_t)n * row);
}

void plan_read_norms(struct plan *self, double *norm)
{
    const size_t count = (size_t)self->segments + 1;
    self->options.backend->copy_out(self->options.device, norm, self->square_sums, count * sizeof *norm);
    plan_synchronize(self);
    for (size_t i = 0; i < count; i++) norm[i] = sqrt(norm[i]);
}

void plan_read_watched(struct plan *self, const struct plan_watched *out)
{
    lt_assert(self->options.watch);
    const size_t bytes = (size_t)self->segments * sizeof(double);
    double *size = memory_new((size_t)self->segments + 1, sizeof *size);
    const struct {
        double *to, *from;
    } copy[] = {
        {out->zeros, self->zeros}, {out->nonfinite, self->nonfinite}, {out->ratio, self->change}, {size, self->size}};
    for (int i = 0; i < 4; i++) self->options.backend->copy_out(self->options.device, copy[i].to, copy[i].from, bytes);
    plan_synchronize(self);
    for (int64_t i = 0; i < self->segments; i++) {
        out->zeros[i] /= (double)self->segment[i].count;
        out->ratio[i] = self->watched && size[i] > 0 ? sqrt(out->ratio[i] / size[i]) : (double)NAN;
    }
    free(size);
}

void plan_synchronize(struct plan *self)
{
    self->options.backend->synchronize(self->options.device);
}
