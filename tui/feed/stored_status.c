#include "tui/feed/stored_status.h"

#include "data/base/clock.h"
#include "data/base/memory.h"
#include "tui/commands/find_runs.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PHASE_ROWS = 512, PHASES_MAX = 256, ALIVE_S = 4 /* the heartbeat moves every 1.5 s */ };

/* ---- configuration ---- */

static const json_t *find(const json_t *root, const char *section, const char *key)
{
    return json_object_get(json_object_get(root, section), key);
}

static int64_t positive(const json_t *json, int64_t otherwise)
{
    return json_is_integer(json) && json_integer_value(json) > 0 ? json_integer_value(json) : otherwise;
}

static void read_monitor(struct stored_status *self, const json_t *callbacks)
{
    for (size_t i = 0; i < json_array_size(callbacks); i++) {
        const char *name = json_string_value(find(json_array_get(callbacks, i), "model_checkpoint", "monitor"));
        if (name) snprintf(self->status.monitor, sizeof self->status.monitor, "%s", name);
    }
}

void stored_status_config(struct stored_status *self, const char *json)
{
    json_t *root = json_loads(json, 0, NULL);
    const json_t *algorithm = find(root, "trainer", "gradient_clip_algorithm");
    const double clip = json_number_value(find(root, "trainer", "gradient_clip_val"));
    self->max_epochs = positive(find(root, "trainer", "max_epochs"), 0);
    self->max_steps = positive(find(root, "trainer", "max_steps"), 0);
    self->accumulate = positive(find(root, "trainer", "accumulate_grad_batches"), 1);
    self->samples = positive(find(root, "data", "batch_size"), 0) * self->accumulate;
    self->status.epochs = self->max_epochs;
    self->status.best = NAN;
    self->clips_by_norm = !json_is_string(algorithm) || strcmp(json_string_value(algorithm), "norm") == 0;
    self->status.clip_value = clip > 0 && self->clips_by_norm ? clip : 0;
    read_monitor(self, find(root, "trainer", "callbacks"));
    json_decref(root);
}

void stored_status_monitor(struct stored_status *self, const struct run_reader *reader)
{
    if (self->status.monitor[0]) return;
    const char *name = "val/loss";
    for (size_t i = 0; i < run_reader_metrics(reader); i++)
        if (strcmp(run_reader_metric(reader, i), "val/acc") == 0) name = "val/acc";
    snprintf(self->status.monitor, sizeof self->status.monitor, "%s", name);
}

/* ---- as it goes ---- */

/* "max_epochs 20 -> 40, from step 7 on …", "max_epochs goes on at 40 as it was set …": as the run's journal says it. */
static void take_setting(struct stored_status *self, const char *text)
{
    char key[32], now[32];
    if (sscanf(text, "%31s %*s -> %31[^, ]", key, now) != 2 && sscanf(text, "%31s goes on at %31s", key, now) != 2)
        return;
    const double value = strtod(now, NULL); /* null and -1: none */
    const int64_t count = value >= 1 && value <= INT32_MAX ? (int64_t)value : 0;
    if (strcmp(key, "max_epochs") == 0) self->max_epochs = self->status.epochs = count;
    if (strcmp(key, "max_steps") == 0) self->max_steps = count;
    if (strcmp(key, "gradient_clip_val") == 0 && self->clips_by_norm) self->status.clip_value = value > 0 ? value : 0;
}

void stored_status_event(struct stored_status *self, const struct history_event *event)
{
    switch (event->kind) {
    case EVENT_START:
    case EVENT_RESUME:
        if (self->began > 0) self->before_s += self->last_wall - self->began;
        self->began = event->wall;
        self->paused_at = 0;
        break;
    case EVENT_PAUSE: self->paused_at = event->wall; break;
    case EVENT_CONTINUE:
        if (self->paused_at > 0) self->paused_s += event->wall - self->paused_at;
        self->paused_at = 0;
        break;
    case EVENT_SETTING: take_setting(self, event->text); break;
    default: break;
    }
    self->last_wall = event->wall;
}

void stored_status_best(struct stored_status *self, const struct wire_point *point, size_t count)
{
    const bool smaller = strstr(self->status.monitor, "loss") != NULL; /* as the run decides */
    double best = self->status.best;
    for (size_t i = 0; i < count; i++) {
        const double value = point[i].value;
        if (isfinite(value) && (isnan(best) || (smaller ? value < best : value > best))) best = value;
    }
    self->status.best = best;
}

/* ---- from the file as it is ---- */

static void read_state(struct run_status *status, const struct run_facts *facts)
{
    status->state = RUN_FAILED;
    for (int i = 0; i < RUN_STATES; i++)
        if (strcmp(run_state_name((enum run_state)i), facts->state) == 0) status->state = (enum run_state)i;
    status->stage = STAGE_TRAIN;
    status->step = facts->last_step;
}

static int64_t smaller_of(int64_t a, int64_t b) /* 0 = none */
{
    return a > 0 && (b <= 0 || a < b) ? a : b;
}

/* Steps of a whole epoch: of the longest, as a branch may begin inside one. -1: the rows are damaged. */
static int64_t steps_of(const struct log_epoch_row *epoch, size_t count)
{
    int64_t most = 0;
    for (size_t i = 0; i < count; i++) {
        const struct log_epoch_row *row = &epoch[i];
        if (row->epoch < 0 || row->epoch >= INT32_MAX || row->step_first < 0 || row->step_last < row->step_first ||
            row->step_last - row->step_first > INT32_MAX)
            return -1;
        if (row->step_last - row->step_first > most) most = row->step_last - row->step_first;
    }
    return most;
}

static void read_progress(struct stored_status *self, struct run_reader *reader)
{
    struct run_status *status = &self->status;
    struct log_epoch_row *epoch = NULL;
    size_t count = 0;
    int64_t per_epoch = 0, done = 0, by_epochs = 0;
    if (run_reader_epochs(reader, &epoch, &count) == LT_OK && count > 0 && (per_epoch = steps_of(epoch, count)) > 0) {
        done = epoch[count - 1].step_last;
        status->epoch = epoch[count - 1].epoch + 1;
    }
    free(epoch);
    if (per_epoch < 0 || self->max_epochs > INT32_MAX) per_epoch = 0;
    const int64_t left = self->max_epochs > status->epoch ? self->max_epochs - status->epoch : 0;
    if (per_epoch > 0 && self->max_epochs > 0 && done < INT64_MAX / 2) by_epochs = done + per_epoch * left;
    status->steps = smaller_of(self->max_steps, by_epochs);
    status->batches = per_epoch * self->accumulate;
    status->batch = status->step > done ? (status->step - done) * self->accumulate : 0;
    if (status->batch > status->batches || status->state == RUN_DONE) status->batch = status->batches;
}

static void read_clocks(struct stored_status *self, const struct run_facts *facts)
{
    struct run_status *status = &self->status;
    const double now = run_state_is_over(status->state) && self->last_wall > 0 ? self->last_wall : facts->heartbeat;
    const double paused = self->paused_s + (self->paused_at > 0 ? now - self->paused_at : 0);
    const double elapsed = self->before_s + now - (self->began > 0 ? self->began : facts->created) - paused;
    status->elapsed_s = elapsed > 0 ? elapsed : 0;
    status->paused_s = paused;
    status->left_s = status->state == RUN_DONE ? 0 : -1;
    if (!run_state_is_over(status->state) && status->steps > status->step && status->step > 0)
        status->left_s = status->elapsed_s / (double)status->step * (double)(status->steps - status->step);
}

/* The newest variant: a run that was resumed by another version has several. */
static bool find_phases(struct run_reader *reader, struct run_family *family)
{
    struct run_family next;
    bool found = false;
    for (int variant = 1; variant <= FAMILY_VARIANTS_MAX; variant++) {
        if (run_reader_family(reader, family_at(FAMILY_PHASE)->path, variant, &next) != LT_OK) break;
        if (found) run_family_release(family);
        *family = next;
        found = true;
    }
    return found;
}

/* Which phase a column is; -1: none of ours. */
static int phase_of(const char *name)
{
    for (int i = 0; i < SPAN_PHASES; i++)
        if (strcmp(span_name(i), name) == 0) return i;
    return -1;
}

/* Means over the last second, as the run itself would show. */
static void average_phases(struct stored_status *self, const struct run_family *family,
                           const struct run_family_rows *rows, size_t count)
{
    struct run_status *status = &self->status;
    size_t first = count - 1;
    while (first > 0 && rows->wall[first - 1] > rows->wall[count - 1] - 1) first--;
    memset(status->phase_ms, 0, sizeof status->phase_ms);
    status->step_ms = 0;
    for (size_t k = 0; k < family->names; k++) {
        const int phase = phase_of(family->name[k]);
        double sum = 0;
        for (size_t i = first; i < count; i++) sum += (double)rows->value[i * family->names + k];
        if (phase < 0 || !isfinite(sum)) continue;
        status->phase_ms[phase] = sum / (double)(count - first);
        if (phase != SPAN_VALIDATION && phase != SPAN_CHECKPOINT) status->step_ms += status->phase_ms[phase];
    }
    if (status->step_ms > 0) status->samples_per_s = (double)self->samples / status->step_ms * 1e3;
}

static void read_phases(struct stored_status *self, struct run_reader *reader)
{
    struct run_family family;
    if (!find_phases(reader, &family)) return;
    const size_t count = family.names > PHASES_MAX ? 0 : family.rows < PHASE_ROWS ? family.rows : PHASE_ROWS;
    struct run_family_rows rows = {memory_new(PHASE_ROWS, sizeof *rows.step), memory_new(PHASE_ROWS, sizeof *rows.wall),
                                   memory_new(count * family.names + 1, sizeof *rows.value)};
    if (count > 0 && run_reader_family_rows(reader, &family, family.rows - count, count, &rows) == LT_OK)
        average_phases(self, &family, &rows, count);
    free(rows.step), free(rows.wall), free(rows.value);
    run_family_release(&family);
}

void stored_status_update(struct stored_status *self, struct run_reader *reader)
{
    const struct run_facts *facts = run_reader_facts(reader);
    const bool first = self->heartbeat == 0;
    if (facts->heartbeat != self->heartbeat) self->moved = first ? facts->heartbeat : clock_wall();
    self->heartbeat = facts->heartbeat;
    read_state(&self->status, facts);
    read_progress(self, reader);
    read_clocks(self, facts);
    read_phases(self, reader);
}

/* ---- dead or alive ---- */

void stored_status_judge(struct stored_status *self, const char *folder)
{
    struct run_status *status = &self->status;
    if (run_state_is_over(status->state) || fabs(clock_wall() - self->moved) < ALIVE_S) return;
    const int fd = found_run_connect(folder);
    if (fd >= 0) {
        close(fd);
        return;
    }
    char when[32] = "unknown";
    const time_t seconds = (time_t)self->heartbeat;
    struct tm day;
    if (fabs(self->heartbeat) < 1e11 && localtime_r(&seconds, &day))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &day);
    status->state = RUN_KILLED;
    status->left_s = -1;
    snprintf(status->doing, sizeof status->doing, "last heartbeat %s", when);
}
