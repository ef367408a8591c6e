/* Plain lines for runs without a screen: where the run stands every few seconds, events and validation values at once.
 * One line holds one fact each as `name value`, so that grep and awk can pick. */
#include "data/base/clock.h"
#include "data/base/memory.h"
#include "engine/log/sink.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lines {
    double every_s;
    int64_t next_ns;
    struct run_status status;
    int64_t printed_step;
    char **name; /* of metrics, by id */
    double *value;
    size_t count, capacity, value_capacity;
};

static bool wanted(const struct log_options *options)
{
    return options->lines;
}

static enum lt_err open_lines(void **self, const struct log_run *run, const struct log_options *options)
{
    struct lines *lines = memory_new(1, sizeof *lines);
    lines->every_s = options->lines_every_s;
    lines->printed_step = -1;
    printf("run %s: %s on %s, %s\n", run->folder, run->model, run->device, run->precision);
    fflush(stdout);
    *self = lines;
    return LT_OK;
}

static void add_metric(struct lines *self, const struct log_record *record)
{
    const struct metric_info *info = record->payload;
    self->name = memory_grow(self->name, self->count, &self->capacity, sizeof *self->name);
    self->value = memory_grow(self->value, self->count, &self->value_capacity, sizeof *self->value);
    self->name[self->count] = memory_text(info->name);
    self->value[self->count++] = NAN;
}

/* Values of evaluations come seldom and matter; those of steps go into the regular line. */
static bool is_step_metric(const char *name)
{
    return strncmp(name, "train/", 6) == 0 || strncmp(name, "lr", 2) == 0 || strcmp(name, "grad_norm") == 0;
}

static void take_scalar(struct lines *self, const struct log_record *record)
{
    if ((size_t)record->metric >= self->count) return;
    const char *name = self->name[record->metric];
    self->value[record->metric] = record->value;
    if (!is_step_metric(name)) printf("step %" PRId64 " %s %.6g\n", record->step, name, record->value);
}

static void record_line(void *self, const struct log_record *record)
{
    static const char *const level[] = {"info", "warning", "severe"};
    struct lines *lines = self;
    if (record->kind == RECORD_METRIC) add_metric(lines, record);
    if (record->kind == RECORD_SCALAR) take_scalar(lines, record);
    if (record->kind == RECORD_EVENT)
        printf("step %" PRId64 " event %s %s: %s\n", record->step, event_name(record->event), level[record->level],
               (const char *)record->payload);
    fflush(stdout);
}

static void print_clock(const char *label, double seconds)
{
    int64_t s = (int64_t)(seconds + 0.5);
    printf(" %s %02" PRId64 ":%02" PRId64 ":%02" PRId64, label, s / 3600, s / 60 % 60, s % 60);
}

static void print_status(const struct lines *self)
{
    const struct run_status *s = &self->status;
    printf("step %" PRId64, s->step);
    if (s->steps > 0) printf("/%" PRId64, s->steps);
    printf(" epoch %" PRId64, s->epoch);
    if (s->epochs > 0) printf("/%" PRId64, s->epochs);
    for (size_t i = 0; i < self->count; i++)
        if (is_step_metric(self->name[i]) && !isnan(self->value[i])) printf(" %s %.4g", self->name[i], self->value[i]);
    printf(" img/s %.0f", s->samples_per_s);
    print_clock("elapsed", s->elapsed_s);
    if (s->left_s >= 0) print_clock("left", s->left_s);
    if (s->state == RUN_PAUSED) printf(" paused");
    printf("\n");
    fflush(stdout);
}

static void tick(void *self, const struct run_status *status)
{
    struct lines *lines = self;
    if (status) lines->status = *status;
    int64_t now = clock_ns();
    if (lines->status.step == lines->printed_step || lines->status.stage == STAGE_SETUP || now < lines->next_ns) return;
    lines->next_ns = now + (int64_t)(lines->every_s * 1e9);
    lines->printed_step = lines->status.step;
    print_status(lines);
}

static void close_lines(void *self, const struct log_end *end)
{
    (void)end; /* the command prints the last sentence */
    struct lines *lines = self;
    for (size_t i = 0; i < lines->count; i++) free(lines->name[i]);
    free(lines->name);
    free(lines->value);
    free(lines);
}

const struct sink sink_lines = {
    .name = "lines",
    .wanted = wanted,
    .open = open_lines,
    .record = record_line,
    .tick = tick,
    .close = close_lines,
};
