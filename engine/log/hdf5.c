/* run.h5 while a run lives: rows are collected in RAM and written in batches, everything is flushed every FLUSH_MS, so
 * that a killed run loses less than two seconds. When the disk is full or a write fails the rows wait, the user is
 * told, and the file is taken up again later; after a failure nothing written lately is believed. */
#include "data/base/clock.h"
#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/base/text.h"
#include "engine/log/hdf5_file.h"
#include "engine/log/hdf5_schema.h"
#include "engine/log/sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLUSH_MS = 1500, SETTLE_MS = 100, NEW_METRIC_MS = 1000, RETRY_MS = 10000, BURST_BYTES = 1 << 20 };
static const long long room_needed = 64LL << 20; /* bytes that must stay free on the disk */

struct hdf5_log {
    struct run_file file;
    struct schema schema;
    struct table **metric; /* by the log's id; lent by schema */
    size_t metrics, capacity;
    int64_t flush_ns, change_ns;        /* when to flush, when to make new datasets (0 = none) */
    bool broken, full, ending, settled; /* settled: the first metrics had their turn */
    enum run_state state;
    int64_t last_step;
    uint64_t lost_told;
    char trouble[512];
    bool has_trouble, quiet;
};

static int64_t in_ms(int64_t ms)
{
    return clock_ns() + ms * 1000000;
}

static void complain(struct hdf5_log *self, const char *text, const char *why)
{
    snprintf(self->trouble, sizeof self->trouble, "%s%s", text, why);
    self->has_trouble = true;
}

/* ---- opening ---- */

static bool wanted(const struct log_options *options)
{
    return options->hdf5;
}

struct new_file {
    struct schema *schema;
    const struct log_run *run; /* NULL: the attributes of the run are there */
};

static bool fill(void *context, hid_t file)
{
    struct new_file *self = context;
    return (!self->run || schema_write_run(file, self->run)) && schema_create(self->schema, file);
}

/* With the places of the metrics that are known. */
static void init_schema(struct hdf5_log *self, const struct log_run *run)
{
    schema_init(&self->schema, run);
    for (size_t i = 0; i < run->metrics; i++) schema_metric(&self->schema, &run->metric[i]);
}

static enum lt_err open_shared(struct hdf5_log *self)
{
    LT_TRY(run_file_open(&self->file));
    if (!schema_open(&self->schema, self->file.id)) return hdf5_fail("read", self->file.path);
    return run_file_share(&self->file);
}

static enum lt_err take_over(struct hdf5_log *self, const struct log_run *run)
{
    int64_t resumes = 0;
    LT_TRY(run_file_open(&self->file));
    hdf5_get_integer(self->file.id, "resumes", &resumes);
    bool ok = schema_resume(&self->schema, self->file.id, run->resume_step) &&
              hdf5_set_integer(self->file.id, "resumes", resumes + 1) &&
              hdf5_set_integer(self->file.id, "last_step", run->resume_step);
    schema_close(&self->schema);
    enum lt_err err = ok ? LT_OK : hdf5_fail("go on with", self->file.path);
    return run_file_close(&self->file) || err != LT_OK ? err : hdf5_fail("write", self->file.path);
}

/* A file that cannot be taken over is kept under another name, and the run starts a new one. */
static enum lt_err set_aside(struct hdf5_log *self, const struct log_run *run)
{
    struct text name = {0}, why = {0};
    text_add(&why, "%s", lt_message());
    do {
        text_clear(&name);
        text_add(&name, "%s.damaged-%lld", self->file.path, (long long)clock_wall());
    } while (path_exists(text_get(&name)));
    enum lt_err err = LT_OK;
    if (rename(self->file.path, text_get(&name)) != 0) err = lt_fail_errno("set aside", self->file.path);
    schema_release(&self->schema);
    init_schema(self, run);
    if (err == LT_OK) {
        lt_fail(LT_OK, "%s; it is kept as %s and a new one was started", text_get(&why), text_get(&name));
        complain(self, lt_message(), "");
    }
    text_release(&name);
    text_release(&why);
    return err;
}

static enum lt_err start_file(struct hdf5_log *self, const struct log_run *run)
{
    LT_TRY(run_file_lock(&self->file, run->folder));
    bool old = run->resume_step >= 0 && path_exists(self->file.path);
    if (old && take_over(self, run) != LT_OK) {
        run_file_close(&self->file);
        LT_TRY(set_aside(self, run));
        old = false;
    }
    struct new_file content = {.schema = &self->schema, .run = old ? NULL : run};
    if (!old || !schema_is_complete(&self->schema)) LT_TRY(run_file_change(&self->file, old, fill, &content));
    return open_shared(self);
}

static void release(struct hdf5_log *self)
{
    schema_close(&self->schema);
    run_file_release(&self->file);
    schema_release(&self->schema);
    free(self->metric);
    free(self);
}

static enum lt_err open_hdf5(void **out, const struct log_run *run, const struct log_options *options)
{
    (void)options;
    struct hdf5_log *self = memory_new(1, sizeof *self);
    hdf5_quiet();
    init_schema(self, run);
    self->state = RUN_STARTING;
    self->last_step = run->resume_step > 0 ? run->resume_step : 0;
    self->flush_ns = in_ms(FLUSH_MS);
    if (run->metrics) self->change_ns = in_ms(SETTLE_MS); /* should there be more of them by then */
    enum lt_err err = start_file(self, run);
    if (err == LT_OK)
        *out = self;
    else
        release(self);
    return err;
}

/* ---- writing ---- */

/* After a failed call the handle cannot be trusted: close it and come back later. */
static void give_up_for_now(struct hdf5_log *self)
{
    if (!self->broken) {
        hdf5_fail("write", self->file.path);
        complain(self, "numbers wait in memory: ", lt_message());
    }
    schema_close(&self->schema);
    run_file_close(&self->file);
    self->broken = true;
    self->flush_ns = in_ms(RETRY_MS);
}

static bool take_up_again(struct hdf5_log *self)
{
    if (!self->broken) return true;
    if (open_shared(self) != LT_OK) {
        give_up_for_now(self);
        return false;
    }
    schema_doubt(&self->schema);
    self->broken = false;
    return true;
}

/* Room on the disk for what waits, and some more for everybody else. */
static bool has_room(struct hdf5_log *self)
{
    long long room = run_file_room(&self->file), waiting = (long long)schema_waiting(&self->schema);
    bool full = (room >= 0 && room < room_needed) || !run_file_reserve(&self->file, waiting);
    if (full && !self->full) {
        char text[128];
        snprintf(text, sizeof text,
                 "only %lld MB are free, so numbers wait in memory until there are %lld; make room for ", room >> 20,
                 room_needed >> 20);
        complain(self, text, self->file.path);
    }
    self->full = full;
    return !full;
}

static void tell_losses(struct hdf5_log *self)
{
    uint64_t lost = schema_lost(&self->schema);
    if (lost == self->lost_told) return;
    char text[96];
    snprintf(text, sizeof text, "%llu numbers found no room in memory and are missing from ",
             (unsigned long long)(lost - self->lost_told));
    complain(self, text, self->file.path);
    self->lost_told = lost;
}

static bool write_all(struct hdf5_log *self)
{
    hid_t file = self->file.id;
    return schema_write(&self->schema) && hdf5_set_real(file, "heartbeat", clock_wall()) &&
           hdf5_set_integer(file, "last_step", self->last_step) &&
           hdf5_set_text(file, "state", run_state_name(self->state)) && H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0;
}

static bool flush_rows(struct hdf5_log *self)
{
    self->flush_ns = in_ms(FLUSH_MS);
    if ((!has_room(self) && !self->ending) || !take_up_again(self)) return false;
    if (!write_all(self)) {
        give_up_for_now(self);
        return false;
    }
    schema_forget(&self->schema);
    tell_losses(self);
    return true;
}

/* New metrics: their datasets go into a copy, which replaces the file; readers see a new inode and open it again. */
static void change_structure(struct hdf5_log *self)
{
    struct new_file content = {.schema = &self->schema};
    self->settled = true;
    self->change_ns = schema_is_complete(&self->schema) ? 0 : in_ms(RETRY_MS);
    if (!self->change_ns || !flush_rows(self)) return;
    schema_close(&self->schema);
    if (!run_file_close(&self->file)) {
        give_up_for_now(self);
        return;
    }
    enum lt_err err = run_file_change(&self->file, true, fill, &content);
    if (err != LT_OK) complain(self, "new metrics wait in memory: ", lt_message());
    if (open_shared(self) != LT_OK) {
        give_up_for_now(self);
        return;
    }
    if (err != LT_OK) return;
    self->change_ns = 0;
    flush_rows(self);
}

/* ---- records ---- */

static void take_event(struct hdf5_log *self, const struct log_record *record)
{
    struct event_row row = {.step = record->step, .wall = record->wall, .level = (int8_t)record->level};
    hdf5_copy_text(row.text, sizeof row.text, record->payload);
    schema_event(&self->schema, &row, record->event);
}

static void take_metric(struct hdf5_log *self, const struct log_record *record)
{
    const struct metric_info *info = record->payload;
    self->metric = memory_grow(self->metric, self->metrics, &self->capacity, sizeof *self->metric);
    struct table *table = self->metric[self->metrics++] = schema_metric(&self->schema, info);
    if (table->exists) return;
    self->change_ns = in_ms(self->settled ? NEW_METRIC_MS : SETTLE_MS);
    if (!self->settled) return;
    struct event_row row = {.step = self->last_step, .wall = clock_wall()};
    hdf5_copy_text(row.text, sizeof row.text, info->name);
    schema_event(&self->schema, &row, EVENT_NEW_METRIC);
}

/* A burst is written before the flush that is due, so that nothing is lost while the disk is fine. */
static void take_scalar(struct hdf5_log *self, const struct log_record *record)
{
    if ((size_t)record->metric >= self->metrics) return;
    struct table *table = self->metric[record->metric];
    table_append(table, &(struct scalar_row){record->step, record->wall, record->value});
    if (table_waiting(table) < BURST_BYTES || self->full || self->broken) return;
    if (table->exists)
        flush_rows(self);
    else if (!self->settled && self->change_ns)
        change_structure(self);
}

static void record_hdf5(void *context, const struct log_record *record)
{
    struct hdf5_log *self = context;
    if (record->step > self->last_step) self->last_step = record->step;
    switch (record->kind) {
    case RECORD_METRIC: take_metric(self, record); break;
    case RECORD_SCALAR: take_scalar(self, record); break;
    case RECORD_EVENT: take_event(self, record); break;
    case RECORD_FAMILY:
        block_append(&self->schema.block[record->family], record->step, record->wall, record->payload);
        break;
    case RECORD_EPOCH: table_append(self->schema.epochs, record->payload); break;
    case RECORD_ANSWER:
    case RECORD_DOCUMENT:
    case RECORD_FLUSH: break;
    }
}

static void tick(void *context, const struct run_status *status)
{
    struct hdf5_log *self = context;
    if (!self->quiet) hdf5_quiet(); /* per thread */
    self->quiet = true;
    if (status) {
        self->state = status->state;
        if (status->step > self->last_step) self->last_step = status->step;
    }
    int64_t now = clock_ns();
    if (self->change_ns && now >= self->change_ns) change_structure(self);
    if (now >= self->flush_ns) flush_rows(self);
}

static void flush_now(void *context)
{
    struct hdf5_log *self = context;
    if (flush_rows(self) && self->change_ns) change_structure(self);
}

static const char *trouble(void *context)
{
    struct hdf5_log *self = context;
    if (!self->has_trouble) return NULL;
    self->has_trouble = false;
    return self->trouble;
}

/* Nobody is left to tell of a failure but whoever reads the run's standard error. */
static void close_hdf5(void *context, const struct log_end *end)
{
    struct hdf5_log *self = context;
    self->state = end->state;
    self->ending = true; /* the last rows are worth the last bytes of a disk */
    flush_now(self);
    schema_close(&self->schema);
    if (!run_file_close(&self->file) && !self->has_trouble) complain(self, "cannot close ", self->file.path);
    if (self->has_trouble) fprintf(stderr, "lathe: %s\n", self->trouble);
    release(self);
}

const struct sink sink_hdf5 = {
    .name = "hdf5",
    .wanted = wanted,
    .open = open_hdf5,
    .record = record_hdf5,
    .tick = tick,
    .flush = flush_now,
    .trouble = trouble,
    .close = close_hdf5,
};
