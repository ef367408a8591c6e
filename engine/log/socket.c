/* Serves screens: those that connect to the run's Unix socket and the one that started the run. Each gets the whole
 * history, then what is new; what they ask goes into the mailbox. A screen can never slow the run down: this thread has
 * a ring of its own, never waits for a screen and bounds what it keeps for each. */
#include "data/base/clock.h"
#include "data/base/memory.h"
#include "engine/log/history.h"
#include "engine/log/listen.h"
#include "engine/log/read.h"
#include "engine/log/sink.h"
#include "engine/log/viewer.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { VIEWERS_MAX = 16, WAIT_MS = 50, ALONE_MS = 200, STATUS_EVERY_MS = 250, POINTS_MOST = 1 << 20 };
static const double stuck_s = 10;                   /* a viewer that took nothing for so long gives way to a new one */
static const int64_t goodbye_ns = 2 * (int64_t)1e9; /* how long the end may take to reach the viewers */

struct server {
    struct listener listener;
    struct mailbox *mailbox;
    struct history *history;
    struct text hello;
    uint32_t *series; /* of metrics, by the log's id */
    size_t metrics, capacity;
    struct kept_family {
        char **name; /* of columns */
        size_t width;
        uint32_t first; /* the first column's series */
        bool announced;
    } family[FAMILIES];
    struct run_status status;
    bool is_fresh; /* the status is newer than its frame */
    struct status_frame told;
    int64_t told_ns; /* when that was made */
    struct viewer *viewer[VIEWERS_MAX];
    int viewers;
    uint32_t last_number;
};

static bool wanted(const struct log_options *options)
{
    return options->socket_path || options->viewer_fd >= 0;
}

/* ---- opening ---- */

static void write_hello(struct server *self, const struct log_run *run)
{
    char host[256] = "", *folder = realpath(run->folder, NULL);
    gethostname(host, sizeof host - 1);
    json_t *json = json_object(), *parameters = json_array();
    for (int64_t i = 0; i < run->parameters; i++) json_array_append_new(parameters, wire_text(run->parameter_name[i]));
    json_object_set_new(json, "version", json_integer(WIRE_VERSION));
    json_object_set_new(json, "name", wire_text(run->name));
    json_object_set_new(json, "folder", wire_text(folder ? folder : run->folder));
    json_object_set_new(json, "model", wire_text(run->model));
    json_object_set_new(json, "device", wire_text(run->device));
    json_object_set_new(json, "precision", wire_text(run->precision));
    json_object_set_new(json, "host", wire_text(host));
    json_object_set_new(json, "pid", json_integer(getpid()));
    json_object_set_new(json, "created", wire_number(clock_wall()));
    json_object_set_new(json, "parameters", parameters);
    wire_put_json(&self->hello, WIRE_HELLO, json);
    free(folder);
}

static void keep_event(struct server *self, const struct log_record *record)
{
    history_event(self->history, &(struct history_event){.step = record->step,
                                                         .wall = record->wall,
                                                         .kind = record->event,
                                                         .level = record->level,
                                                         .text = record->payload});
}

static void add_viewer(struct server *self, int fd)
{
    int worst = 0;
    for (int i = 1; i < self->viewers; i++)
        if (viewer_stuck_s(self->viewer[i]) > viewer_stuck_s(self->viewer[worst])) worst = i;
    if (self->viewers == VIEWERS_MAX && viewer_stuck_s(self->viewer[worst]) < stuck_s) {
        close(fd);
        return;
    }
    if (self->viewers == VIEWERS_MAX)
        viewer_free(self->viewer[worst]);
    else
        worst = self->viewers++;
    self->viewer[worst] = viewer_new(fd, ++self->last_number, &self->hello);
    self->told_ns = 0; /* a new one is told the newest status */
}

static void copy_names(struct kept_family *family, enum log_family which, const struct log_run *run)
{
    family->width = family_width(which, run);
    family->name = memory_new(family->width + 1, sizeof *family->name);
    for (size_t i = 0; i < family->width; i++) family->name[i] = memory_text(family_column(which, run, i));
}

static void release(struct server *self)
{
    for (int i = 0; i < self->viewers; i++) viewer_free(self->viewer[i]);
    for (int k = 0; k < FAMILIES; k++) {
        for (size_t i = 0; i < self->family[k].width; i++) free(self->family[k].name[i]);
        free(self->family[k].name);
    }
    free(self->series);
    text_release(&self->hello);
    text_release(&self->told.frame);
    history_free(self->history);
    free(self);
}

/* A resumed run shows its curves from the start: what run.h5 holds up to there (the file's sink opens after this one).
 */
static void recall(struct server *self, struct run_reader *reader, int64_t last_step)
{
    for (size_t i = 0; i < run_reader_metrics(reader); i++) {
        struct metric_info info;
        struct wire_point *point;
        size_t count;
        const char *name = run_reader_metric(reader, i);
        if (!run_reader_info(reader, name, &info)) continue;
        if (run_reader_points(reader, name, &point, &count) != LT_OK) continue;
        uint32_t series = history_metric(self->history, &info, POINTS_MOST);
        for (size_t k = 0; k < count && point[k].step <= last_step; k++)
            history_point(self->history, series, &point[k]);
        free(point);
    }
    struct history_event *event;
    size_t events;
    if (run_reader_events(reader, 0, &event, &events) != LT_OK) return;
    for (size_t i = 0; i < events; i++) {
        if (event[i].step <= last_step) history_event(self->history, &event[i]);
        free(event[i].text);
    }
    free(event);
}

static void recall_before(struct server *self, const struct log_run *run)
{
    struct run_reader *reader;
    if (run->resume_step < 0 || run_reader_open(&reader, run->folder) != LT_OK) return;
    recall(self, reader, run->resume_step);
    run_reader_close(reader);
}

static enum lt_err open_socket(void **out, const struct log_run *run, const struct log_options *options)
{
    struct server *self = memory_new(1, sizeof *self);
    self->listener.fd = -1;
    self->history = history_new();
    recall_before(self, run);
    enum lt_err err = options->socket_path ? listener_open(&self->listener, options->socket_path) : LT_OK;
    if (err != LT_OK && options->viewer_fd < 0) {
        release(self);
        return err;
    }
    self->mailbox = options->mailbox;
    for (int i = 0; i < FAMILIES; i++) copy_names(&self->family[i], (enum log_family)i, run);
    write_hello(self, run);
    if (options->viewer_fd >= 0) add_viewer(self, options->viewer_fd);
    *out = self;
    /* Without a socket the screen that started the run is still served, and told. */
    return err == LT_OK ? LT_OK : lt_fail_in(err, "no other screen can attach: ");
}

/* ---- records ---- */

static void keep_metric(struct server *self, const struct log_record *record)
{
    self->series = memory_grow(self->series, self->metrics, &self->capacity, sizeof *self->series);
    const struct metric_info *info = record->payload;
    int64_t known = history_find(self->history, info->name);
    self->series[self->metrics++] = known >= 0 ? (uint32_t)known : history_metric(self->history, info, POINTS_MOST);
}

/* To screens each column is a metric of its own, announced when its first number comes. */
static void announce(struct server *self, enum log_family which)
{
    struct kept_family *family = &self->family[which];
    const struct family *about = family_at(which);
    for (size_t i = 0; i < family->width; i++) {
        struct text name = {0};
        text_add(&name, "%s/%s", about->prefix, family->name[i]);
        struct metric_info info = {.name = text_get(&name), .unit = about->unit, .description = about->description};
        uint32_t series = history_metric(self->history, &info, about->most);
        if (i == 0) family->first = series;
        text_release(&name);
    }
    family->announced = true;
}

static void keep_family(struct server *self, const struct log_record *record)
{
    struct kept_family *family = &self->family[record->family];
    const double *value = record->payload;
    if (!family_at(record->family)->prefix) return;
    if (!family->announced) announce(self, record->family);
    for (size_t i = 0; i < family->width; i++)
        history_point(self->history, family->first + (uint32_t)i,
                      &(struct wire_point){record->step, record->wall, value[i]});
}

static void record_socket(void *context, const struct log_record *record)
{
    struct server *self = context;
    if (record->kind == RECORD_METRIC) keep_metric(self, record);
    if (record->kind == RECORD_EVENT) keep_event(self, record);
    if (record->kind == RECORD_FAMILY) keep_family(self, record);
    if (record->kind == RECORD_SCALAR && (size_t)record->metric < self->metrics)
        history_point(self->history, self->series[record->metric],
                      &(struct wire_point){record->step, record->wall, record->value});
    for (int i = 0; record->kind == RECORD_ANSWER && i < self->viewers; i++)
        viewer_answer(self->viewer[i], record->request, record->done, record->step, record->payload);
}

/* ---- serving ---- */

static void drop_viewer(struct server *self, int i)
{
    viewer_free(self->viewer[i]);
    self->viewer[i] = self->viewer[--self->viewers];
}

/* Makes the newest status the one that is told, when it differs from that. */
static void tell_status(struct server *self, int64_t now)
{
    struct text frame = {0};
    wire_put_json(&frame, WIRE_STATUS, wire_status(&self->status));
    const struct text *last = &self->told.frame;
    if (frame.length != last->length || memcmp(frame.bytes, last->bytes, frame.length) != 0) self->told.number++;
    text_release(&self->told.frame);
    self->told.frame = frame;
    self->told_ns = now;
    self->is_fresh = false;
}

static void tick(void *context, const struct run_status *status)
{
    struct server *self = context;
    const int64_t now = clock_ns();
    if (status) self->status = *status, self->is_fresh = true;
    if (self->viewers && self->is_fresh && now - self->told_ns >= STATUS_EVERY_MS * (int64_t)1000000)
        tell_status(self, now);
    for (int i = self->viewers - 1; i >= 0; i--) {
        viewer_feed(self->viewer[i], self->history, &self->told);
        if (!viewer_write(self->viewer[i])) drop_viewer(self, i);
    }
}

/* Sleeps until a screen connects, speaks or takes more, or the bell rings; not long, as answers are awaited. */
static void wait_for_viewers(void *context, int bell)
{
    struct server *self = context;
    struct pollfd watch[VIEWERS_MAX + 2];
    for (int i = 0; i < self->viewers; i++)
        watch[i] = (struct pollfd){.fd = viewer_fd(self->viewer[i]),
                                   .events = (short)(POLLIN | (viewer_is_behind(self->viewer[i]) ? POLLOUT : 0))};
    watch[self->viewers] = (struct pollfd){.fd = self->listener.fd, .events = POLLIN};
    watch[self->viewers + 1] = (struct pollfd){.fd = bell, .events = POLLIN};
    if (poll(watch, (nfds_t)self->viewers + 2, self->viewers ? WAIT_MS : ALONE_MS) <= 0) return;
    bool asked = watch[self->viewers].revents != 0;
    for (int i = self->viewers - 1; i >= 0; i--)
        if (watch[i].revents & (POLLIN | POLLHUP | POLLERR) && !viewer_read(self->viewer[i], self->mailbox))
            drop_viewer(self, i);
    int fd = asked ? listener_accept(&self->listener) : -1;
    if (fd >= 0) add_viewer(self, fd);
}

/* ---- the end ---- */

static bool all_told(struct server *self, const struct log_end *end)
{
    bool all = true;
    for (int i = 0; i < self->viewers; i++)
        if (!viewer_finish(self->viewer[i], self->history, &self->told, end)) all = false;
    return all;
}

/* Everybody gets the rest of the history, then BYE, as far as they read in time. */
static void close_socket(void *context, const struct log_end *end)
{
    struct server *self = context;
    int64_t give_up = clock_ns() + goodbye_ns;
    if (self->is_fresh) tell_status(self, clock_ns());
    listener_close(&self->listener);
    while (!all_told(self, end) && clock_ns() < give_up) nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    release(self);
}

const struct sink sink_socket = {
    .name = "socket",
    .wanted = wanted,
    .open = open_socket,
    .record = record_socket,
    .tick = tick,
    .wait = wait_for_viewers,
    .close = close_socket,
    .is_last = true,
};
