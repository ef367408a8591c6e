/* Steps one by one: sums, typical times, and the slowest with why they were slow. Fed live by the trainer, or from the
 * rows of a log. Invariant: memory does not grow. Zeroed is empty. Thread: one at a time. */
#pragma once

#include "data/base/span.h"
#include "data/base/text.h"
#include "profiler/histogram.h"

enum { STEPS_SLOWEST = 10 };

/* One step, from the end of the one before to its own: with the validation and the checkpoints between, without pauses.
 * What is not known is negative. */
struct step_sample {
    int64_t step;
    double wall_ms, phase_ms[SPAN_PHASES];
    double cpu_ms;           /* of the whole process */
    double faults, switches; /* page faults; involuntary context switches, of the whole process */
};

struct steps {
    int64_t count, known; /* steps; those whose cpu_ms is known */
    double wall_ms, phase_ms[SPAN_PHASES];
    double cpu_ms, faults, switches; /* sums over the known */
    struct histogram wall, compute, phase[SPAN_PHASES];
    double compute_ms_in[HISTOGRAM_BUCKETS];   /* sums by the bucket of `compute` */
    struct step_sample slowest[STEPS_SLOWEST]; /* the slowest first */
    int slow;
};

void steps_add(struct steps *self, const struct step_sample *sample);

/* Milliseconds of computing in a step: forward, backward, optimizer. */
double step_compute_ms(const double phase_ms[SPAN_PHASES]);

/* What it takes when nothing disturbs it: the mean of those about the fastest tenth. */
double steps_best_compute_ms(const struct steps *self);

/* Appends why a step took longer than the others, in a few words: "data wait 812 ms", "other load: …". */
void steps_say_cause(const struct steps *self, const struct step_sample *sample, struct text *out);

/* Appends tables: time by phase; that and the slowest steps. */
void steps_report_phases(const struct steps *self, struct text *out);
void steps_report(const struct steps *self, struct text *out);
