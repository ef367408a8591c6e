/* WHERE TIME AND MEMORY GO. Front door of the room: it only reads the spans that every room records (data/base/span.h)
 * and says what they mean: a tree, the slowest steps, a verdict, a trace. Invariants: nothing is locked and memory does
 * not grow with time; the tree's self times sum to the time since profile_new. Thread: a profile belongs to the thread
 * that made it, the trainer; it is the one reader of all spans. */
#pragma once

#include "data/base/text.h"
#include "profiler/advice.h"
#include "profiler/steps.h"
#include "profiler/tree.h"

/* Appends a table as Lightning's SimpleProfiler gives it: Action, Mean duration (s), Num calls, Total time (s),
 * Percentage %, by falling share; first the total, which is `wall_s`. */
void profiler_simple_report(struct text *out, const char *title, double wall_s);

struct profile;

/* Starts now: what was recorded before is thrown away. */
struct profile *profile_new(void);
void profile_free(struct profile *self);

/* Takes in what was recorded. To be called often enough that no thread records 16384 spans between, and only where the
 * calling thread has nothing open but what it announced by span_open. */
void profile_read(struct profile *self);

/* A step is over: reads, keeps its sample, and moves the window on. */
void profile_step(struct profile *self, const struct step_sample *sample);

/* Fills in the tree since the start, or of the window: about the last ten seconds, of whole steps. */
void profile_tree(const struct profile *self, bool window, struct tree_table *table);

/* Lends what is known of single steps. */
const struct steps *profile_steps(const struct profile *self);

/* What the profile cannot know by itself; zero where there is nothing to say. */
struct profile_facts {
    const char *title;
    double wall_s;           /* of the run, without pauses */
    double flops, bandwidth; /* ceilings of the machine: a second, bytes a second */
    int workers, threads, cores;
    bool knows_others;
    double others; /* cores that other programs kept busy, in the mean */
    int64_t batch;
};

/* Judges in words (advice.h). */
struct advice profile_advise(const struct profile *self, const struct profile_facts *facts, struct text *out);

/* Appends the whole report: verdict, SimpleProfiler's table, phases, slowest steps, tree, slowest kernels against the
 * ceilings, other threads. */
void profile_report(const struct profile *self, const struct profile_facts *facts, struct text *out);

/* Appends the tree alone: the trainer's thread, then the others. */
void profile_report_tree(const struct tree_table *table, struct text *out);

/* Appends the newest spans of every thread as a Chrome trace (chrome://tracing, ui.perfetto.dev): JSON of a few
 * megabytes at most. */
void profile_trace(const struct profile *self, struct text *out);
