/* Decides which checkpoints exist: the best k by a metric, and `last`, which is always the newest. Only files of its
 * own list are ever removed, and only after the file that pushes them out was written. NaN never wins; of equal scores
 * the earlier one stays. */
#include "engine/callbacks/callback.h"
#include "engine/callbacks/template.h"

#include "data/base/memory.h"
#include "data/base/path.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kept {
    char *path;
    double score; /* larger is better, whatever the mode; NaN without monitor */
    int64_t step;
};

struct model_checkpoint {
    char *dirpath, *filename, *monitor;
    int mode;
    int64_t save_top_k, every_n_epochs;
    bool save_last, auto_insert_metric_name;
    /* state */
    struct template *template;
    struct kept *kept; /* in order of saving */
    size_t count, capacity;
    struct kept pushed_out; /* removed once its successor is written */
    int64_t scored_step;    /* of the newest score that was considered; -1 before */
};

enum { MODE_MIN, MODE_MAX };

static const struct option rows[] = {
    {.key = "monitor",
     .type = OPTION_TEXT,
     .offset = offsetof(struct model_checkpoint, monitor),
     .initial = "null",
     .help = "the metric that decides what is best, like val/acc; none: the newest is kept"},
    {.key = "mode",
     .type = OPTION_CHOICE,
     .offset = offsetof(struct model_checkpoint, mode),
     .initial = "min",
     .choices = "min|max",
     .help = "whether smaller or larger is better"},
    {.key = "save_top_k",
     .type = OPTION_INT,
     .offset = offsetof(struct model_checkpoint, save_top_k),
     .initial = "1",
     .min = -1,
     .max = 1e6,
     .help = "how many to keep; -1 all, 0 none but last"},
    {.key = "save_last",
     .type = OPTION_BOOL,
     .offset = offsetof(struct model_checkpoint, save_last),
     .initial = "true",
     .help = "write last.ckpt each time"},
    {.key = "filename",
     .type = OPTION_TEXT,
     .offset = offsetof(struct model_checkpoint, filename),
     .initial = "\"{epoch}-{step}\"",
     .help = "template of file names, like {epoch}-{val/f1:.3f}"},
    {.key = "auto_insert_metric_name",
     .type = OPTION_BOOL,
     .offset = offsetof(struct model_checkpoint, auto_insert_metric_name),
     .initial = "true",
     .help = "print key=value for each {key}"},
    {.key = "every_n_epochs",
     .type = OPTION_INT,
     .offset = offsetof(struct model_checkpoint, every_n_epochs),
     .initial = "1",
     .min = 1,
     .max = 1e9,
     .help = "epochs between checkpoints"},
    {.key = "dirpath",
     .type = OPTION_TEXT,
     .offset = offsetof(struct model_checkpoint, dirpath),
     .initial = "null",
     .help = "folder of the checkpoints; default: checkpoints/ of the run"},
};

static enum lt_err check(void *self, const struct setting *where, const char *const *known, size_t count)
{
    struct model_checkpoint *keeper = self;
    keeper->scored_step = -1;
    if (keeper->monitor) LT_TRY(callback_check_monitor(keeper->monitor, where, known, count));
    if (!keeper->monitor && keeper->save_top_k > 1)
        return setting_fail(where, "save_top_k %lld needs a monitor to know what is best",
                            (long long)keeper->save_top_k);
    struct template_names names = {known, count};
    return template_parse(&keeper->template, keeper->filename, keeper->auto_insert_metric_name, names, where);
}

/* The files are the parent's, never this run's to remove. */
static void on_branch(void *self)
{
    struct model_checkpoint *keeper = self;
    for (size_t i = 0; i < keeper->count; i++) free(keeper->kept[i].path);
    keeper->count = 0;
}

static void release(void *self)
{
    struct model_checkpoint *keeper = self;
    template_free(keeper->template);
    on_branch(keeper);
    free(keeper->kept);
    free(keeper->pushed_out.path);
}

/* ---- names ---- */

static double metric_value(const void *context, const char *key)
{
    struct logged_value value;
    return run_view_value(context, key, &value) ? value.value : NAN;
}

static const char *folder_of(const struct model_checkpoint *self, const struct run_view *run)
{
    return self->dirpath ? self->dirpath : run->checkpoint_folder;
}

/* A path that no file has yet: "-v1", "-v2" … behind the name. */
static char *new_path(const struct model_checkpoint *self, const struct run_view *run)
{
    struct text name = {0}, path = {0};
    struct template_values values = {.epoch = run->epoch, .step = run->step, .value = metric_value, .context = run};
    template_format(&name, self->template, &values);
    text_add(&path, "%s/%s.ckpt", folder_of(self, run), text_get(&name));
    for (int version = 1; path_exists(text_get(&path)); version++) {
        text_clear(&path);
        text_add(&path, "%s/%s-v%d.ckpt", folder_of(self, run), text_get(&name), version);
    }
    text_release(&name);
    return text_detach(&path);
}

/* ---- the list ---- */

static void add_kept(struct model_checkpoint *self, struct kept kept)
{
    self->kept = memory_grow(self->kept, self->count, &self->capacity, sizeof *self->kept);
    self->kept[self->count++] = kept;
}

static struct kept take_kept(struct model_checkpoint *self, size_t index)
{
    struct kept kept = self->kept[index];
    memmove(&self->kept[index], &self->kept[index + 1], (--self->count - index) * sizeof *self->kept);
    return kept;
}

/* The one to push out: the worst score, of equal ones the latest; without monitor the oldest. */
static size_t worst(const struct model_checkpoint *self)
{
    size_t index = 0;
    for (size_t i = 1; self->monitor && i < self->count; i++)
        if (self->kept[i].score <= self->kept[index].score) index = i;
    return index;
}

static const struct kept *best(const struct model_checkpoint *self)
{
    const struct kept *best = NULL;
    for (size_t i = 0; i < self->count; i++)
        if (!best || self->kept[i].score > best->score || !self->monitor) best = &self->kept[i];
    return best;
}

static void forget_pushed_out(struct model_checkpoint *self)
{
    free(self->pushed_out.path);
    self->pushed_out = (struct kept){0};
}

/* ---- deciding ---- */

static void keep(struct model_checkpoint *self, const struct run_view *run, double score, struct wishes *wishes)
{
    forget_pushed_out(self);
    bool full = self->save_top_k > 0 && self->count >= (size_t)self->save_top_k;
    if (full && self->monitor && !(score > self->kept[worst(self)].score)) return;
    if (full) {
        self->pushed_out = take_kept(self, worst(self));
        wishes_remove(wishes, self->pushed_out.path);
    }
    char *path = new_path(self, run);
    wishes_save(wishes, path);
    add_kept(self, (struct kept){.path = path, .score = score, .step = run->step});
}

static void save_now(struct model_checkpoint *self, const struct run_view *run, struct wishes *wishes)
{
    struct logged_value value = {.step = run->step};
    bool fresh = !self->monitor || (run_view_value(run, self->monitor, &value) && value.step > self->scored_step);
    double score = self->mode == MODE_MIN ? -value.value : value.value;
    if (fresh && self->save_top_k != 0 && !(self->monitor && isnan(score)))
        keep(self, run, self->monitor ? score : NAN, wishes);
    if (fresh) self->scored_step = value.step;
    if (!self->save_last) return;
    char *last = path_join(folder_of(self, run), "last.ckpt");
    wishes_save(wishes, last);
    free(last);
}

/* A validation inside an epoch; the one at its end is followed by on_train_epoch_end. */
static void on_validation_end(void *self, const struct run_view *run, struct wishes *wishes)
{
    if (run->batch < run->batches && run->stage == STAGE_VALIDATION) save_now(self, run, wishes);
}

static void on_train_epoch_end(void *self, const struct run_view *run, struct wishes *wishes)
{
    struct model_checkpoint *keeper = self;
    if ((run->epoch + 1) % keeper->every_n_epochs == 0) save_now(keeper, run, wishes);
}

/* A failed save undoes what hung on it: the new one is not kept, the old one is. */
static void on_saved(void *self, const char *path, bool ok)
{
    struct model_checkpoint *keeper = self;
    if (ok) return;
    for (size_t i = 0; i < keeper->count; i++) {
        if (strcmp(keeper->kept[i].path, path) != 0) continue;
        free(take_kept(keeper, i).path);
        if (keeper->pushed_out.path) add_kept(keeper, keeper->pushed_out);
        keeper->pushed_out = (struct kept){0};
        return;
    }
}

/* What a resumed run kept lies in its own folder, wherever that is now: a copy of a run must not remove files of the
 * original. */
static void on_train_start(void *self, const struct run_view *run, struct wishes *wishes)
{
    struct model_checkpoint *keeper = self;
    (void)wishes;
    if (keeper->dirpath && path_make_folder(keeper->dirpath) != LT_OK)
        log_event(run->log, EVENT_CHECKPOINT, LEVEL_SEVERE, run->step, "no folder for checkpoints: %s", lt_message());
    for (size_t i = keeper->count; i-- > 0;) {
        char *path = path_join(folder_of(keeper, run), path_name(keeper->kept[i].path));
        free(keeper->kept[i].path);
        keeper->kept[i].path = path;
        if (!path_exists(path)) free(take_kept(keeper, i).path); /* removed by hand */
    }
}

/* ---- state ---- */

static json_t *save_score(double score)
{
    char text[48];
    snprintf(text, sizeof text, "%a", score);
    return json_string(text);
}

static json_t *save(const void *self)
{
    const struct model_checkpoint *keeper = self;
    json_t *kept = json_array();
    for (size_t i = 0; i < keeper->count; i++)
        json_array_append_new(kept,
                              json_pack("{s:s, s:o, s:I}", "path", keeper->kept[i].path, "score",
                                        save_score(keeper->kept[i].score), "step", (json_int_t)keeper->kept[i].step));
    const struct kept *top = best(keeper);
    return json_pack("{s:s?, s:s?, s:I, s:o}", "monitor", keeper->monitor, "best_model_path", top ? top->path : NULL,
                     "scored_step", (json_int_t)keeper->scored_step, "kept", kept);
}

static enum lt_err load(void *self, const json_t *state)
{
    struct model_checkpoint *keeper = self;
    size_t i;
    json_t *kept;
    keeper->scored_step = json_integer_value(json_object_get(state, "scored_step"));
    json_array_foreach(json_object_get(state, "kept"), i, kept)
    {
        const char *path = json_string_value(json_object_get(kept, "path"));
        const char *score = json_string_value(json_object_get(kept, "score"));
        if (!path || !score) return lt_fail(LT_EFORMAT, "the checkpoint's list of kept checkpoints is damaged");
        add_kept(keeper, (struct kept){.path = memory_text(path),
                                       .score = strtod(score, NULL),
                                       .step = json_integer_value(json_object_get(kept, "step"))});
    }
    return LT_OK;
}

static void keeps(const void *self, int64_t *files, int64_t *every_n_epochs)
{
    const struct model_checkpoint *keeper = self;
    *files = keeper->save_top_k < 0 ? -1 : keeper->save_top_k + keeper->save_last;
    *every_n_epochs = keeper->every_n_epochs;
}

const struct callback callback_model_checkpoint = {
    .name = "model_checkpoint",
    .help = "keeps the best checkpoints and the last one",
    .table = OPTION_TABLE(rows),
    .bound_bytes = sizeof(struct model_checkpoint),
    .check = check,
    .keeps = keeps,
    .release = release,
    .on_train_start = on_train_start,
    .on_validation_end = on_validation_end,
    .on_train_epoch_end = on_train_epoch_end,
    .on_saved = on_saved,
    .save = save,
    .load = load,
    .on_branch = on_branch,
};
