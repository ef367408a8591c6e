#include "tui/sentences.h"

#include "tui/clean.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* "train/loss" as "training loss". */
static void add_name(struct text *out, const char *name)
{
    static const char *const words[][2] = {{"train/", "training "}, {"val/", "validation "}, {"test/", "test "}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i][0]);
        if (strncmp(name, words[i][0], length) != 0) continue;
        text_add(out, "%s", words[i][1]);
        name += length;
        break;
    }
    if (strcmp(name, "acc") == 0)
        text_add(out, "accuracy");
    else
        clean_add(out, name);
}

static void add_duration(struct text *out, double seconds)
{
    int64_t s = (int64_t)seconds;
    if (s < 90)
        text_add(out, "%" PRId64 " seconds", s);
    else if (s < 5400)
        text_add(out, "%" PRId64 " minutes", (s + 30) / 60);
    else
        text_add(out, "%" PRId64 " hours and %" PRId64 " minutes", s / 3600, s / 60 % 60);
}

/* "epoch 4 of 20"; "of" only where the whole is known. */
static void add_count(struct text *out, const char *what, int64_t count, int64_t whole)
{
    text_add(out, "%s %" PRId64, what, count);
    if (whole > 0) text_add(out, " of %" PRId64, whole);
}

/* ---- what is told ---- */

static void tell_hello(const struct feed *feed, struct text *out)
{
    text_add(out, "The run ");
    clean_add(out, feed->hello.name);
    text_add(out, " trains ");
    clean_add(out, feed->hello.model);
    text_add(out, " on ");
    clean_add(out, feed->hello.device);
    text_add(out, ".\n");
}

/* Those of training and validation have their first point; at most eight, or nobody could follow. */
static void add_metrics(const struct feed *feed, struct text *out)
{
    int told = 0;
    for (size_t i = 0; i < feed->metrics && told < 8; i++) {
        const struct feed_metric *metric = &feed->metric[i];
        bool wanted = strncmp(metric->name, "train/", 6) == 0 || strncmp(metric->name, "val/", 4) == 0;
        if (!wanted || metric->series.count == 0) continue;
        text_add(out, told++ ? ", " : ": ");
        add_name(out, metric->name);
        text_add(out, " %.4g", metric->series.point[metric->series.count - 1].value);
    }
}

static void tell_epoch(struct sentences *self, const struct feed *feed, struct text *out)
{
    const struct run_status *status = &feed->status;
    if (status->epoch <= self->epoch) return;
    self->epoch = status->epoch;
    add_count(out, "Epoch", status->epoch, status->epochs);
    text_add(out, " is done");
    add_metrics(feed, out);
    if (isfinite(status->best)) {
        text_add(out, "; the best ");
        add_name(out, status->monitor);
        text_add(out, " so far is %.4g", status->best);
    }
    text_add(out, ".\n");
}

static void tell_state(struct sentences *self, const struct feed *feed, struct text *out)
{
    static const char *const words[RUN_STATES] = {
        [RUN_STARTING] = "The run starts",     [RUN_RUNNING] = "Training goes on",
        [RUN_PAUSED] = "Training is paused",   [RUN_DONE] = "Training is done",
        [RUN_FAILED] = "The run has failed",   [RUN_NONFINITE] = "The run met a value that is not finite",
        [RUN_STOPPED] = "The run was stopped", [RUN_KILLED] = "The run was killed"};
    enum run_state state = feed->status.state;
    if ((self->said_status && state == self->state) || state >= RUN_STATES) return;
    self->state = state;
    text_add(out, "%s, ", words[state]);
    add_count(out, "step", feed->status.step, feed->status.steps);
    text_add(out, ".\n");
}

static void tell_event(const struct feed_event *event, struct text *out)
{
    text_add(out, "%s step %" PRId64 ": ",
             event->level == LEVEL_SEVERE    ? "Severe, at"
             : event->level == LEVEL_WARNING ? "Warning at"
                                             : "At",
             event->step);
    clean_add(out, event->text);
    text_add(out, "\n");
}

/* Who comes late to a living run is spared what is over but for the last. */
static void tell_events(struct sentences *self, const struct feed *feed, struct text *out)
{
    if (!self->said_status && feed->events > 3 && !feed->hello.stored) {
        text_add(out, "%zu things happened before; this was the last.\n", feed->events);
        self->events = feed->events - 1;
    }
    for (; self->events < feed->events; self->events++) tell_event(&feed->event[self->events], out);
}

static void tell_answer(struct sentences *self, const struct feed *feed, struct text *out)
{
    if (strcmp(self->answer, feed->answer) == 0) return;
    snprintf(self->answer, sizeof self->answer, "%s", feed->answer);
    if (!feed->answer[0]) return;
    text_add(out, "Your ");
    clean_add(out, feed->asked);
    text_add(out, " is ");
    clean_add(out, feed->answer);
    text_add(out, "\n");
}

void sentences_status(const struct feed *feed, struct text *out)
{
    const struct run_status *status = &feed->status;
    if (!feed->has_status) {
        text_add(out, "Nothing was heard of the run yet.\n");
        return;
    }
    bool last = status->epochs > 0 && status->epoch >= status->epochs;
    add_count(out, "Epoch", last ? status->epochs : status->epoch + 1, status->epochs);
    add_count(out, ", batch", status->batch, status->batches);
    add_count(out, ", step", status->step, status->steps);
    add_metrics(feed, out);
    if (status->state == RUN_PAUSED)
        text_add(out, "; paused");
    else if (status->state == RUN_RUNNING && status->samples_per_s > 0)
        text_add(out, "; %.0f pictures a second", status->samples_per_s);
    if (status->left_s >= 0 && status->state == RUN_RUNNING) {
        text_add(out, ", about ");
        add_duration(out, status->left_s);
        text_add(out, " left");
    }
    text_add(out, ".\n");
}

void sentences_tell(struct sentences *self, const struct feed *feed, double now_s, struct text *out)
{
    if (feed->has_hello && !self->said_hello) {
        tell_hello(feed, out);
        self->said_hello = true;
    }
    if (!feed->has_status) return;
    if (!self->said_status) self->epoch = feed->status.epoch, self->step = feed->status.step;
    tell_state(self, feed, out);
    tell_events(self, feed, out);
    tell_epoch(self, feed, out);
    tell_answer(self, feed, out);
    bool moved = feed->status.step != self->step || !self->said_status;
    self->said_status = true;
    if (!moved || now_s < self->next_s) return;
    sentences_status(feed, out);
    self->step = feed->status.step;
    self->next_s = now_s + self->every_s;
}
