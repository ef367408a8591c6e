#include "profiler/profile.h"

#include "data/base/clock.h"
#include "data/base/memory.h"

#include <stdlib.h>

static const int64_t mark_every_ns = 1000000000;

struct profile *profile_new(void)
{
    struct profile *self = memory_new(1, sizeof *self);
    const int thread = span_thread();
    span_call_thread("trainer");
    self->batch = memory_new(PROFILE_BATCH, sizeof *self->batch);
    self->recent = memory_new(PROFILE_TRACE_SPANS, sizeof *self->recent);
    while (span_drain(self->batch, PROFILE_BATCH) > 0) continue;
    self->marked_ns = clock_ns();
    self->tree = tree_new(thread, self->marked_ns);
    return self;
}

void profile_free(struct profile *self)
{
    if (!self) return;
    for (int i = 0; i < PROFILE_MARKS; i++) tree_mark_release(&self->mark[i]);
    tree_free(self->tree);
    free(self->recent);
    free(self->batch);
    free(self);
}

void profile_read(struct profile *self)
{
    int count;
    const int64_t now = clock_ns();
    do {
        count = span_drain(self->batch, PROFILE_BATCH);
        tree_add(self->tree, self->batch, count);
        for (int i = 0; i < count; i++)
            if (self->batch[i].end_ns) self->recent[self->recorded++ % PROFILE_TRACE_SPANS] = self->batch[i];
    } while (count == PROFILE_BATCH);
    tree_settle(self->tree, now);
}

void profile_step(struct profile *self, const struct step_sample *sample)
{
    profile_read(self);
    steps_add(&self->steps, sample);
    const int64_t now = clock_ns();
    if (now - self->marked_ns < mark_every_ns) return;
    tree_set_mark(self->tree, &self->mark[self->marks++ % PROFILE_MARKS]);
    self->marked_ns = now;
}

void profile_tree(const struct profile *self, bool window, struct tree_table *table)
{
    const bool whole = !window || self->marks < PROFILE_MARKS;
    tree_read(self->tree, whole ? NULL : &self->mark[self->marks % PROFILE_MARKS], table);
}

const struct steps *profile_steps(const struct profile *self)
{
    return &self->steps;
}
