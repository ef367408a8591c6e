#include "profiler/steps.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

double step_compute_ms(const double phase_ms[SPAN_PHASES])
{
    return phase_ms[SPAN_FORWARD] + phase_ms[SPAN_BACKWARD] + phase_ms[SPAN_OPTIMIZER];
}

double steps_best_compute_ms(const struct steps *self)
{
    const int bucket = histogram_bucket_at(&self->compute, 0.1);
    return self->compute.count[bucket] ? self->compute_ms_in[bucket] / self->compute.count[bucket] : 0;
}

static void add_ms(struct histogram *histogram, double ms)
{
    histogram_add(histogram, (int64_t)(ms * 1e6));
}

static void keep_if_slow(struct steps *self, const struct step_sample *sample)
{
    int at = self->slow;
    while (at > 0 && self->slowest[at - 1].wall_ms < sample->wall_ms) at--;
    if (at == STEPS_SLOWEST) return;
    if (self->slow < STEPS_SLOWEST) self->slow++;
    memmove(&self->slowest[at + 1], &self->slowest[at], (size_t)(self->slow - 1 - at) * sizeof *self->slowest);
    self->slowest[at] = *sample;
}

void steps_add(struct steps *self, const struct step_sample *sample)
{
    self->count++;
    self->wall_ms += sample->wall_ms;
    add_ms(&self->wall, sample->wall_ms);
    const double compute_ms = step_compute_ms(sample->phase_ms);
    add_ms(&self->compute, compute_ms);
    self->compute_ms_in[histogram_bucket((int64_t)(compute_ms * 1e6))] += compute_ms;
    for (int i = 0; i < SPAN_PHASES; i++) {
        self->phase_ms[i] += sample->phase_ms[i];
        add_ms(&self->phase[i], sample->phase_ms[i]);
    }
    if (sample->cpu_ms >= 0) {
        self->known++;
        self->cpu_ms += sample->cpu_ms;
        self->faults += sample->faults;
        self->switches += sample->switches;
    }
    keep_if_slow(self, sample);
}

/* ---- causes ---- */

/* Computing does the same work in every step: when it takes longer, something outside slowed it. */
static void say_slow_compute(const struct steps *self, const struct step_sample *sample, double excess_ms,
                             struct text *out)
{
    const double fault_ms = 0.0005, switch_ms = 3; /* about what each costs: a fresh page, another's turn on the core */
    const double faults = sample->faults - self->faults / (self->known > 0 ? (double)self->known : 1);
    text_add(out, "computing %.3g ms longer than usual: ", excess_ms);
    if (sample->cpu_ms < 0)
        text_add(out, "other load, or memory touched first");
    else if (faults * fault_ms > 0.25 * excess_ms)
        text_add(out, "%.0f page faults", sample->faults);
    else if (sample->switches * switch_ms > 0.25 * excess_ms)
        text_add(out, "other load (%.0f involuntary switches)", sample->switches);
    else
        text_add(out, "neither page faults nor switches; the processor ran slower");
}

static const char *name_of(int phase)
{
    return phase == SPAN_DATA ? "data wait" : span_name(phase);
}

/* A run may be held up by the same thing in every step. */
static void say_usual(const struct step_sample *sample, struct text *out)
{
    text_add(out, "as usual");
    for (int i = 0; i < SPAN_PHASES; i++)
        if (i != SPAN_FORWARD && i != SPAN_BACKWARD && sample->phase_ms[i] > 0.5 * sample->wall_ms)
            text_add(out, ": %s %.3g ms", name_of(i), sample->phase_ms[i]);
}

void steps_say_cause(const struct steps *self, const struct step_sample *sample, struct text *out)
{
    double worst = 0, typical_compute = histogram_quantile(&self->compute, 0.5) * 1e-6;
    const double compute = step_compute_ms(sample->phase_ms) - typical_compute;
    int cause = -1;
    for (int i = 0; i < SPAN_PHASES; i++) {
        if (i == SPAN_FORWARD || i == SPAN_BACKWARD || i == SPAN_OPTIMIZER) continue;
        const double excess = sample->phase_ms[i] - histogram_quantile(&self->phase[i], 0.5) * 1e-6;
        if (excess <= worst) continue;
        worst = excess;
        cause = i;
    }
    const double excess = fmax(worst, compute);
    if (excess < 0.1 * sample->wall_ms)
        say_usual(sample, out);
    else if (compute >= worst)
        say_slow_compute(self, sample, compute, out);
    else
        text_add(out, "%s %.3g ms", name_of(cause), sample->phase_ms[cause]);
}

/* ---- tables ---- */

void steps_report_phases(const struct steps *self, struct text *out)
{
    if (self->count == 0) return;
    text_add(out, "Time by phase over %" PRId64 " steps\n\n", self->count);
    text_add(out, "%-14s %12s %10s %10s %8s\n", "Phase", "total s", "mean ms", "p95 ms", "share");
    for (int i = 0; i < SPAN_PHASES; i++)
        text_add(out, "%-14s %12.3f %10.3f %10.3f %7.1f%%\n", name_of(i), self->phase_ms[i] * 1e-3,
                 self->phase_ms[i] / (double)self->count, histogram_quantile(&self->phase[i], 0.95) * 1e-6,
                 100 * self->phase_ms[i] / self->wall_ms);
    text_add(out, "%-14s %12.3f %10.3f %10.3f %7.1f%%\n", "all", self->wall_ms * 1e-3,
             self->wall_ms / (double)self->count, histogram_quantile(&self->wall, 0.95) * 1e-6, 100.0);
}

void steps_report(const struct steps *self, struct text *out)
{
    if (self->count == 0) return;
    steps_report_phases(self, out);
    text_add(out, "\nSlowest steps\n\n%10s %10s  %s\n", "step", "ms", "why");
    for (int i = 0; i < self->slow; i++) {
        text_add(out, "%10" PRId64 " %10.2f  ", self->slowest[i].step, self->slowest[i].wall_ms);
        steps_say_cause(self, &self->slowest[i], out);
        text_add(out, "\n");
    }
}
