#include "engine/log/log.h"

#include "data/base/clock.h"
#include "data/base/memory.h"
#include "data/base/ring.h"
#include "data/base/span.h"
#include "data/base/text.h"
#include "data/base/thread.h"
#include "engine/log/sink.h"

#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { RING_RECORDS = 1 << 16, BATCH = 256, FRESH = 4 };

static const struct sink *const sinks[] = {
#define SINK(name) &sink_##name,
#include "engine/log/sinks.def"
#undef SINK
};
enum { SINKS = sizeof sinks / sizeof *sinks };

/* One sink at work. The status goes through three slots: the trainer writes one, the sink reads one, the third is
 * exchanged. */
struct outlet {
    const struct sink *sink;
    void *self;
    struct ring *ring;
    pthread_t thread;
    int bell; /* an eventfd: wakes the thread when it is to flush or to end */
    struct run_status slot[3];
    _Atomic int middle; /* slot to exchange, with FRESH set when the trainer put something new */
    int back, front;    /* the trainer's slot, the sink's slot */
    _Atomic bool ending;
    _Atomic uint64_t flushed; /* flush requests done */
    uint64_t flush_asked;
    uint64_t drops, drops_told; /* records that found the ring full */
    bool is_full;               /* the last one did */
    _Atomic bool troubled;      /* `trouble` is the trainer's to read until it takes this back */
    char trouble[512];
    size_t metrics_told; /* how many METRIC records got through */
    struct log_end end;
};

struct log {
    struct outlet outlet[SINKS];
    int outlets;
    struct metric_info *metric; /* by id, texts owned */
    size_t metrics, metric_capacity;
    size_t width[FAMILIES];
    int64_t step; /* of the newest number */
};

/* ---- the sink's thread ---- */

static void release_info(struct metric_info *info)
{
    free((char *)info->name);
    free((char *)info->unit);
    free((char *)info->description);
}

static void free_payload(struct log_record *record)
{
    if (record->kind == RECORD_METRIC) release_info(record->payload);
    free(record->payload);
}

static void handle(struct outlet *outlet, struct log_record *record)
{
    if (record->kind != RECORD_FLUSH) {
        outlet->sink->record(outlet->self, record);
    } else {
        if (outlet->sink->flush) outlet->sink->flush(outlet->self);
        atomic_fetch_add(&outlet->flushed, 1);
    }
    free_payload(record);
}

static void tick(struct outlet *outlet)
{
    bool fresh = atomic_load(&outlet->middle) & FRESH;
    if (fresh) outlet->front = atomic_exchange(&outlet->middle, outlet->front) & ~FRESH;
    outlet->sink->tick(outlet->self, fresh ? &outlet->slot[outlet->front] : NULL);
    if (!outlet->sink->trouble || atomic_load(&outlet->troubled)) return;
    const char *trouble = outlet->sink->trouble(outlet->self);
    if (!trouble) return;
    snprintf(outlet->trouble, sizeof outlet->trouble, "%s", trouble);
    atomic_store(&outlet->troubled, true);
}

static void ring_bell(const struct outlet *outlet)
{
    const uint64_t one = 1;
    ssize_t written = write(outlet->bell, &one, sizeof one);
    (void)written; /* without a bell it takes a moment longer */
}

/* Waits for the bell or something of the sink's own, at most a fraction of a second. */
static void wait_a_moment(const struct outlet *outlet)
{
    struct pollfd bell = {.fd = outlet->bell, .events = POLLIN};
    uint64_t rings;
    if (outlet->sink->wait)
        outlet->sink->wait(outlet->self, outlet->bell);
    else
        poll(&bell, 1, 50);
    ssize_t taken = read(outlet->bell, &rings, sizeof rings);
    (void)taken;
}

static void sleep_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

static void *run_outlet(void *context)
{
    struct outlet *outlet = context;
    struct log_record *batch = memory_new(BATCH, sizeof *batch);
    for (bool last = false;;) {
        size_t count = ring_pop(outlet->ring, batch, BATCH);
        const int64_t begin = clock_ns();
        for (size_t i = 0; i < count; i++) handle(outlet, &batch[i]);
        if (count) span_end(SPAN_WRITE, begin);
        tick(outlet);
        if (count == BATCH) continue;
        if (last && count == 0) break;
        last = atomic_load(&outlet->ending); /* one more round, for what was pushed before the end */
        if (last) continue;
        wait_a_moment(outlet);
    }
    outlet->sink->close(outlet->self, &outlet->end);
    free(batch);
    return NULL;
}

/* ---- opening ---- */

static enum lt_err open_outlet(struct log *self, const struct sink *sink, const struct log_run *run,
                               const struct log_options *options)
{
    struct outlet *outlet = &self->outlet[self->outlets];
    *outlet = (struct outlet){.sink = sink, .back = 0, .front = 2};
    atomic_init(&outlet->middle, 1);
    enum lt_err opened = sink->open(&outlet->self, run, options);
    if (opened != LT_OK && !outlet->self) return opened;
    outlet->ring = ring_new(RING_RECORDS, sizeof(struct log_record));
    outlet->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    char name[16];
    snprintf(name, sizeof name, "log-%s", sink->name);
    enum lt_err err = thread_start(&outlet->thread, name, run_outlet, outlet);
    if (err == LT_OK) {
        self->outlets++;
        return opened;
    }
    sink->close(outlet->self, &(struct log_end){.state = RUN_FAILED, .sentence = lt_message()});
    ring_free(outlet->ring);
    close(outlet->bell);
    return err;
}

enum lt_err log_open(struct log **out, const struct log_run *run, const struct log_options *options)
{
    struct log *self = memory_new(1, sizeof *self);
    struct text trouble = {0};
    enum lt_err err = LT_OK;
    for (int i = 0; i < FAMILIES; i++) self->width[i] = family_width((enum log_family)i, run);
    for (int i = 0; err != LT_ENOMEM && i < SINKS; i++) {
        if (!sinks[i]->wanted(options)) continue;
        err = open_outlet(self, sinks[i], run, options);
        if (err != LT_OK) text_add(&trouble, "%s%s: %s", trouble.length ? "; " : "", sinks[i]->name, lt_message());
    }
    *out = self;
    if (trouble.length)
        log_event(self, EVENT_NOTE, LEVEL_SEVERE, run->resume_step > 0 ? run->resume_step : 0,
                  "trouble with the log, the run goes on: %s", text_get(&trouble));
    text_release(&trouble);
    return LT_OK;
}

/* ---- recording ---- */

/* Every outlet gets a record of its own: a payload is freed by who saw it. */
static void push(struct outlet *outlet, struct log_record record)
{
    outlet->is_full = !ring_push(outlet->ring, &record);
    if (!outlet->is_full) return;
    free_payload(&record);
    outlet->drops++;
}

static void *copy_of(const void *data, size_t bytes)
{
    return memcpy(memory_new(bytes, 1), data, bytes);
}

static struct metric_info copy_info(const struct metric_info *info)
{
    return (struct metric_info){.name = memory_text(info->name),
                                .unit = memory_text(info->unit ? info->unit : ""),
                                .description = memory_text(info->description ? info->description : ""),
                                .goal = info->goal};
}

/* Sinks count metrics as they come, so each must get through, in order, before its first number; a full ring only
 * delays it. Returns whether all did. */
static bool tell_metrics(struct log *self, struct outlet *outlet)
{
    while (outlet->metrics_told < self->metrics) {
        struct metric_info info = copy_info(&self->metric[outlet->metrics_told]);
        struct log_record record = {
            .kind = RECORD_METRIC, .metric = (int)outlet->metrics_told, .payload = copy_of(&info, sizeof info)};
        if (!ring_push(outlet->ring, &record)) {
            free_payload(&record);
            return false;
        }
        outlet->metrics_told++;
    }
    return true;
}

int log_metric(struct log *self, const struct metric_info *info)
{
    for (size_t i = 0; i < self->metrics; i++)
        if (strcmp(self->metric[i].name, info->name) == 0) return (int)i;
    self->metric = memory_grow(self->metric, self->metrics, &self->metric_capacity, sizeof *self->metric);
    self->metric[self->metrics++] = copy_info(info);
    for (int i = 0; i < self->outlets; i++) tell_metrics(self, &self->outlet[i]);
    return (int)self->metrics - 1;
}

/* What a sink has to say goes to all of them; a full ring is told about once it has room again. */
static void tell_troubles(struct log *self, int64_t step)
{
    for (int i = 0; i < self->outlets; i++) {
        struct outlet *outlet = &self->outlet[i];
        if (atomic_load(&outlet->troubled)) {
            log_event(self, EVENT_NOTE, LEVEL_SEVERE, step, "%s", outlet->trouble);
            atomic_store(&outlet->troubled, false);
        }
        if (outlet->is_full || outlet->drops == outlet->drops_told) continue;
        char text[96];
        snprintf(text, sizeof text, "%llu records were lost: the sink %s was too slow",
                 (unsigned long long)(outlet->drops - outlet->drops_told), outlet->sink->name);
        struct log_record record = {.kind = RECORD_EVENT,
                                    .event = EVENT_DROPPED,
                                    .level = LEVEL_WARNING,
                                    .step = step,
                                    .wall = clock_wall(),
                                    .payload = memory_text(text)};
        if (ring_push(outlet->ring, &record))
            outlet->drops_told = outlet->drops;
        else
            free_payload(&record);
    }
}

void log_scalar(struct log *self, int metric, int64_t step, double value)
{
    self->step = step;
    tell_troubles(self, step);
    struct log_record record = {
        .kind = RECORD_SCALAR, .metric = metric, .step = step, .wall = clock_wall(), .value = value};
    for (int i = 0; i < self->outlets; i++)
        if (tell_metrics(self, &self->outlet[i]))
            push(&self->outlet[i], record);
        else
            self->outlet[i].drops++;
}

void log_event(struct log *self, enum event_kind kind, enum event_level level, int64_t step, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct log_record record = {
        .kind = RECORD_EVENT, .event = kind, .level = level, .step = step, .wall = clock_wall()};
    for (int i = 0; i < self->outlets; i++) {
        record.payload = memory_text(text);
        push(&self->outlet[i], record);
    }
}

void log_family(struct log *self, enum log_family which, int64_t step, const double *value)
{
    if (self->width[which] == 0) return;
    struct log_record record = {.kind = RECORD_FAMILY, .family = which, .step = step, .wall = clock_wall()};
    for (int i = 0; i < self->outlets; i++) {
        record.payload = copy_of(value, self->width[which] * sizeof *value);
        push(&self->outlet[i], record);
    }
}

void log_epoch(struct log *self, const struct log_epoch_row *row)
{
    for (int i = 0; i < self->outlets; i++)
        push(&self->outlet[i],
             (struct log_record){.kind = RECORD_EPOCH, .step = row->step_last, .payload = copy_of(row, sizeof *row)});
}

void log_document(struct log *self, const char *name, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    const size_t head = strlen(name) + 1, bytes = text ? head + strlen(text) + 1 : 0;
    json_decref(json);
    for (int i = 0; text && i < self->outlets; i++) {
        if (self->outlet[i].sink != &sink_documents) continue;
        char *payload = memory_new(bytes, 1);
        memcpy(payload, name, head);
        memcpy(payload + head, text, bytes - head);
        push(&self->outlet[i], (struct log_record){.kind = RECORD_DOCUMENT, .step = self->step, .payload = payload});
    }
    free(text);
}

void log_status(struct log *self, const struct run_status *status)
{
    tell_troubles(self, status->step);
    for (int i = 0; i < self->outlets; i++) {
        struct outlet *outlet = &self->outlet[i];
        outlet->slot[outlet->back] = *status;
        outlet->back = atomic_exchange(&outlet->middle, outlet->back | FRESH) & ~FRESH;
    }
}

void log_answer(struct log *self, uint64_t request, bool done, int64_t step, const char *text)
{
    struct log_record record = {
        .kind = RECORD_ANSWER, .request = request, .done = done, .step = step, .wall = clock_wall()};
    for (int i = 0; i < self->outlets; i++) {
        record.payload = memory_text(text);
        push(&self->outlet[i], record);
    }
}

void log_flush(struct log *self)
{
    struct log_record record = {.kind = RECORD_FLUSH};
    int64_t give_up = clock_ns() + 10 * (int64_t)1000000000; /* a disk that hangs must not hang the training */
    for (int i = 0; i < self->outlets; i++) {
        struct outlet *outlet = &self->outlet[i];
        if (!outlet->sink->flush) continue;
        bool asked = false;
        while (!(asked = ring_push(outlet->ring, &record)) && clock_ns() < give_up) sleep_ms(1);
        if (asked) outlet->flush_asked++;
        ring_bell(outlet);
    }
    for (int i = 0; i < self->outlets; i++)
        while (atomic_load(&self->outlet[i].flushed) < self->outlet[i].flush_asked && clock_ns() < give_up) sleep_ms(1);
}

/* ---- closing ---- */

/* What was dropped last may find the ring still full: it gets a moment. */
static void tell_the_rest(struct log *self)
{
    for (int i = 0; i < self->outlets; i++) {
        struct outlet *outlet = &self->outlet[i];
        for (int tries = 0; outlet->drops != outlet->drops_told && tries < 20; tries++) {
            outlet->is_full = false;
            tell_troubles(self, self->step);
            if (outlet->drops != outlet->drops_told) sleep_ms(10);
        }
    }
}

/* Those that are last, or all others. */
static void close_outlets(struct log *self, bool last, const struct log_end *end)
{
    for (int i = 0; i < self->outlets; i++) {
        if (self->outlet[i].sink->is_last != last) continue;
        self->outlet[i].end = *end;
        atomic_store(&self->outlet[i].ending, true);
        ring_bell(&self->outlet[i]);
    }
    for (int i = 0; i < self->outlets; i++) {
        if (self->outlet[i].sink->is_last != last) continue;
        pthread_join(self->outlet[i].thread, NULL);
        close(self->outlet[i].bell);
        ring_free(self->outlet[i].ring);
    }
}

void log_close(struct log *self, enum run_state state, int exit_code, const char *sentence)
{
    if (!self) return;
    tell_the_rest(self);
    const struct log_end end = {state, exit_code, sentence};
    close_outlets(self, false, &end);
    close_outlets(self, true, &end);
    for (size_t i = 0; i < self->metrics; i++) release_info(&self->metric[i]);
    free(self->metric);
    free(self);
}
