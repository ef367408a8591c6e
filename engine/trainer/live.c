#include "engine/trainer/live.h"

#include "data/base/text.h"
#include "engine/config/tables.h"
#include "engine/log/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 32, VALUE_MAX = 64 }; /* values remembered of a key; bytes of one */

/* ---- what a new value takes; an error refuses it ---- */

static enum lt_err change_nothing(struct run *run)
{
    (void)run;
    return LT_OK;
}

static enum lt_err change_clip(struct run *run)
{
    const double most = run->trainer.gradient_clip_val;
    plan_set_clip(run->plan, run_clip(run), most);
    return LT_OK;
}

static enum lt_err change_length(struct run *run)
{
    struct trainer_options *trainer = &run->trainer;
    if (trainer->max_epochs < -1) trainer->max_epochs = -1;
    if (trainer->max_epochs < 0 && trainer->max_steps < 0 && trainer->max_time <= 0)
        return lt_fail(LT_EUSAGE, "then the run had no end: max_epochs, max_steps or max_time must say one");
    plan_steps(run);
    return LT_OK;
}

static enum lt_err change_validation(struct run *run)
{
    const int64_t before = run->val.batches;
    count_validation(run);
    if (!run->val.loader && run->val.batches > 0) {
        run->val.batches = before;
        return lt_fail(LT_EUSAGE, "this run was started without validation data, and none can be opened now");
    }
    return LT_OK;
}

/* ---- rows ---- */

static const struct row {
    const char *name; /* "trainer.max_epochs" */
    enum lt_err (*change)(struct run *run);
} rows[] = {
#define LIVE(owner, key, change) {#owner "." #key, change},
#include "engine/trainer/live.def"
#undef LIVE
};
enum { ROWS = sizeof rows / sizeof *rows };

static const char *key_of(const struct row *row)
{
    return strchr(row->name, '.') + 1;
}

/* "max_epochs" or "trainer.max_epochs"; NULL: no such row. */
static const struct row *find(const char *name)
{
    for (int i = 0; i < ROWS; i++)
        if (strcmp(name, rows[i].name) == 0 || strcmp(name, key_of(&rows[i])) == 0) return &rows[i];
    return NULL;
}

/* The options that a row's value stands in: the trainer's, or those of the one callback of that name. */
static enum lt_err owner_of(struct run *run, const struct row *row, void **bound, struct option_table *table)
{
    const size_t length = strcspn(row->name, ".");
    int found = 0;
    if (strncmp(row->name, "trainer.", 8) == 0) return *bound = &run->trainer, *table = trainer_table, LT_OK;
    for (size_t i = 0; i < run->callbacks.count; i++) {
        const struct callback *callback = run->callbacks.callback[i];
        if (strlen(callback->name) != length || strncmp(callback->name, row->name, length) != 0) continue;
        *bound = run->callbacks.self[i];
        *table = callback->table;
        found++;
    }
    if (found == 1) return LT_OK;
    return lt_fail(LT_EUSAGE, "%s: there %s %.*s among trainer.callbacks", key_of(row), found ? "are several" : "is no",
                   (int)length, row->name);
}

static enum lt_err read_value(char value[VALUE_MAX], struct run *run, const struct row *row)
{
    void *bound;
    struct option_table table;
    struct text text = {0};
    LT_TRY(owner_of(run, row, &bound, &table));
    options_write_value(&text, bound, table, key_of(row));
    snprintf(value, VALUE_MAX, "%s", text_get(&text));
    text_release(&text);
    return LT_OK;
}

static enum lt_err write_value(struct run *run, const struct row *row, const char *value)
{
    static const char place[] = "command line: ";
    void *bound;
    struct option_table table;
    LT_TRY(owner_of(run, row, &bound, &table));
    enum lt_err err = options_set(bound, table, key_of(row), value);
    if (err == LT_OK) return row->change(run);
    const char *why = lt_message();
    return lt_fail(err, "%s", strncmp(why, place, strlen(place)) == 0 ? why + strlen(place) : why);
}

/* ---- setting ---- */

static enum lt_err unknown(const char *name)
{
    struct text keys = {0};
    for (int i = 0; i < ROWS; i++) text_add(&keys, ", %s", key_of(&rows[i]));
    enum lt_err err = lt_fail(LT_EUSAGE,
                              "'%s' cannot be set while a run goes on; what can be: lr%s; more can be changed in a "
                              "branch: lathe fit --branch RUN --SECTION.KEY VALUE",
                              name, text_get(&keys));
    text_release(&keys);
    return err;
}

/* The value that undo goes back to; NULL: there is none. */
static const char *value_before(const json_t *values)
{
    const size_t count = json_array_size(values);
    return count > 1 ? json_string_value(json_array_get(values, count - 2)) : NULL;
}

/* A value is new at the end, or it is the one before and the end goes. */
static void remember(struct run *run, const struct row *row, const char *before, const char *now, bool undo)
{
    json_t *values = json_object_get(run->live, row->name);
    if (!values) {
        values = json_pack("[s]", before);
        json_object_set_new(run->live, row->name, values);
    }
    if (undo)
        json_array_remove(values, json_array_size(values) - 1);
    else
        json_array_append_new(values, json_string(now));
    if (json_array_size(values) > DEPTH) json_array_remove(values, 1); /* never what is configured */
    if (json_array_size(values) == 1) json_object_del(run->live, row->name);
}

static void say(struct text *said, const struct run *run, const struct row *row, const char *before, const char *now,
                double rate)
{
    const char *configured = json_string_value(json_array_get(json_object_get(run->live, row->name), 0));
    text_add(said, "%s %s -> %s, from step %" PRId64 " on", key_of(row), before, now, run->at.step + 1);
    if (configured)
        text_add(said, " (%s is configured)", configured);
    else
        text_add(said, " (as configured)");
    if (learning_rate(run) != rate)
        text_add(said, "; the schedule %s stretches with it: lr %g -> %g", run->lr.schedule->name, rate,
                 learning_rate(run));
}

static enum lt_err set(struct run *run, const struct row *row, const char *wish, struct text *said)
{
    const bool undo = strcmp(wish, "undo") == 0;
    const char *value = undo ? value_before(json_object_get(run->live, row->name)) : wish;
    const double rate = learning_rate(run);
    char before[VALUE_MAX], now[VALUE_MAX];
    LT_TRY(read_value(before, run, row));
    if (!value) return lt_fail(LT_EUSAGE, "nothing to undo: %s is %s, as configured", key_of(row), before);
    if (write_value(run, row, value) != LT_OK) {
        char why[512];
        snprintf(why, sizeof why, "%s", lt_message());
        (void)write_value(run, row, before); /* which stood there */
        return lt_fail(LT_EUSAGE, "%s", why);
    }
    LT_TRY(read_value(now, run, row));
    if (strcmp(before, now) == 0 && !undo) {
        text_add(said, "%s %s, as it was", key_of(row), now);
        return LT_OK;
    }
    remember(run, row, before, now, undo);
    say(said, run, row, before, now, rate);
    return LT_OK;
}

enum lt_err live_set(struct run *run, const char *wish, struct text *said)
{
    char name[CONTROL_ARGUMENT_MAX];
    const size_t length = strcspn(wish, "=*");
    snprintf(name, sizeof name, "%.*s", (int)length, wish);
    const struct row *row = find(name);
    if (!row) return unknown(name);
    if (wish[length] != '=') return lt_fail(LT_EUSAGE, "to what? like %s=VALUE, or %s=undo", key_of(row), key_of(row));
    LT_TRY(set(run, row, wish + length + 1, said));
    live_tell(run);
    return LT_OK;
}

/* ---- checkpoints ---- */

static enum lt_err damaged(void)
{
    return lt_fail(LT_EFORMAT, "the checkpoint's settings are damaged");
}

static enum lt_err restore(struct run *run, const struct row *row, json_t *values)
{
    const size_t count = json_array_size(values);
    char configured[VALUE_MAX], now[VALUE_MAX];
    if (count < 2 || count > DEPTH) return damaged();
    for (size_t i = 0; i < count; i++)
        if (json_string_length(json_array_get(values, i)) == 0) return damaged();
    LT_TRY(read_value(configured, run, row));
    if (strcmp(configured, json_string_value(json_array_get(values, 0))) != 0) return LT_OK;
    LT_TRY(write_value(run, row, json_string_value(json_array_get(values, count - 1))));
    LT_TRY(read_value(now, run, row));
    json_object_set_new(run->live, row->name, json_deep_copy(values));
    json_array_set_new(json_object_get(run->live, row->name), count - 1, json_string(now)); /* in our own words */
    return LT_OK;
}

enum lt_err live_restore(struct run *run, const json_t *state)
{
    const char *name;
    json_t *values;
    json_object_foreach((json_t *)state, name, values)
    {
        const struct row *row = find(name);
        void *bound;
        struct option_table table;
        if (!row) return damaged();
        if (owner_of(run, row, &bound, &table) == LT_OK && restore(run, row, values) != LT_OK) return damaged();
    }
    return LT_OK;
}

/* ---- telling ---- */

void live_tell(struct run *run)
{
    json_t *all = json_array();
    for (int i = 0; i < ROWS; i++) {
        char value[VALUE_MAX];
        void *bound;
        struct option_table table;
        if (owner_of(run, &rows[i], &bound, &table) != LT_OK || read_value(value, run, &rows[i]) != LT_OK) continue;
        json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:b}", "key", key_of(&rows[i]), "value", value, "help",
                                             options_row(table, key_of(&rows[i]))->help, "set",
                                             json_object_get(run->live, rows[i].name) != NULL));
    }
    log_document(run->log, "settings", json_pack("{s:o}", "settings", all));
}

void live_tell_restored(struct run *run)
{
    const char *name;
    json_t *values;
    json_object_foreach(run->live, name, values)
    {
        log_event(run->log, EVENT_SETTING, LEVEL_WARNING, run->at.step,
                  "%s goes on at %s as it was set (%s is configured); `lathe ctl %s set %s=undo` takes that back",
                  strchr(name, '.') + 1, json_string_value(json_array_get(values, json_array_size(values) - 1)),
                  json_string_value(json_array_get(values, 0)), run->folder, strchr(name, '.') + 1);
    }
}
