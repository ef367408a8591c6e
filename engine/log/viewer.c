#include "engine/log/viewer.h"

#include "data/base/clock.h"
#include "data/base/memory.h"
#include "engine/log/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    BACKLOG = 1 << 18,     /* bytes: history is fetched while less than this waits */
    BACKLOG_MAX = 1 << 20, /* bytes: more (answers never read) ends the connection */
    COMMAND_MAX = 4096,    /* bytes of a command's payload */
    POINTS_EVERY_MS = 250
};

struct viewer {
    int fd;
    uint32_t number;
    char who[CONTROL_WHO_MAX];
    struct text in, out;
    size_t sent; /* of out */
    struct history_cursor *cursor;
    size_t metrics, cursor_capacity; /* metrics described so far */
    uint64_t events;                 /* cursor */
    uint64_t status;                 /* the number of the last it got */
    int64_t points_ns, taken_ns;
    bool finished; /* BYE is queued */
};

struct viewer *viewer_new(int fd, uint32_t number, const struct text *hello)
{
    struct viewer *self = memory_new(1, sizeof *self);
    char peer[PEER_MAX];
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    peer_name(peer, fd);
    self->fd = fd;
    self->number = number;
    self->taken_ns = clock_ns();
    snprintf(self->who, sizeof self->who, "viewer %" PRIu32 " (%s)", number, peer);
    text_add_bytes(&self->out, hello->bytes, hello->length);
    return self;
}

void viewer_free(struct viewer *self)
{
    if (!self) return;
    close(self->fd);
    text_release(&self->in);
    text_release(&self->out);
    free(self->cursor);
    free(self);
}

int viewer_fd(const struct viewer *self)
{
    return self->fd;
}

/* ---- what it says ---- */

/* Why a well-formed command cannot be passed on; NULL when it can. */
static const char *misfit(int command, bool has_argument)
{
    if (command < 0) return "this run does not know that command";
    bool wants = *control_argument((enum control)command) != 0;
    if (wants && !has_argument) return "this command needs an argument";
    return !wants && has_argument ? "this command takes no argument" : NULL;
}

/* A command is {request: 1 … 2^32-1, command: "name"} and nothing else but argument: a sane text or null. */
static bool take_command(struct viewer *self, struct mailbox *mailbox, json_t *json)
{
    json_t *given = json_object_get(json, "argument");
    const char *name = json_string_value(json_object_get(json, "command")), *argument = json_string_value(given);
    json_int_t id = json_integer_value(json_object_get(json, "request"));
    if (!name || id < 1 || id > UINT32_MAX || json_object_size(json) != (given ? 3u : 2u)) return false;
    if (given && !json_is_null(given) && !(argument && control_argument_is_sane(argument))) return false;
    int command = control_find(name);
    struct request put = {.id = (uint64_t)self->number << 32 | (uint64_t)id, .command = (enum control)command};
    snprintf(put.argument, sizeof put.argument, "%s", argument ? argument : "");
    memcpy(put.who, self->who, sizeof put.who);
    const char *why_not = misfit(command, argument != NULL);
    if (!why_not && (!mailbox || !mailbox_put(mailbox, &put)))
        why_not = "too many commands are waiting; ask again in a moment";
    if (why_not) viewer_answer(self, put.id, false, 0, why_not);
    return true;
}

static bool take_frames(struct viewer *self, struct mailbox *mailbox)
{
    size_t done = 0;
    bool good = true;
    while (good) {
        enum wire_type type;
        const void *payload;
        size_t length;
        int64_t frame = wire_next(self->in.bytes + done, self->in.length - done, &type, &payload, &length);
        if (frame == 0) break;
        json_t *json = frame > 0 && type == WIRE_COMMAND && length <= COMMAND_MAX ? wire_get_json(payload, length)
                                                                                  : NULL;
        good = json && take_command(self, mailbox, json);
        json_decref(json);
        if (good) done += (size_t)frame;
    }
    if (!good) return false;
    memmove(self->in.bytes, self->in.bytes + done, self->in.length - done);
    self->in.length -= done;
    return self->in.length <= WIRE_HEADER + COMMAND_MAX;
}

bool viewer_read(struct viewer *self, struct mailbox *mailbox)
{
    char bytes[4096];
    ssize_t count = recv(self->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (count < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    if (count == 0) return false;
    text_add_bytes(&self->in, bytes, (size_t)count);
    return take_frames(self, mailbox);
}

/* ---- what it is told ---- */

static size_t waiting(const struct viewer *self)
{
    return self->out.length - self->sent;
}

static void feed_metrics(struct viewer *self, const struct history *history)
{
    while (self->metrics < history_metrics(history) && waiting(self) < BACKLOG) {
        const struct metric_info *info = history_info(history, (uint32_t)self->metrics);
        static const char *const goal[] = {[GOAL_NONE] = "none", [GOAL_MIN] = "min", [GOAL_MAX] = "max"};
        json_t *json = json_object();
        json_object_set_new(json, "id", json_integer((json_int_t)self->metrics));
        json_object_set_new(json, "name", wire_text(info->name));
        json_object_set_new(json, "unit", wire_text(info->unit));
        json_object_set_new(json, "description", wire_text(info->description));
        json_object_set_new(json, "goal", json_string(goal[info->goal]));
        wire_put_json(&self->out, WIRE_METRIC, json);
        self->cursor = memory_grow(self->cursor, self->metrics, &self->cursor_capacity, sizeof *self->cursor);
        self->cursor[self->metrics++] = (struct history_cursor){0};
    }
}

static void feed_points(struct viewer *self, const struct history *history)
{
    for (size_t i = 0; i < self->metrics; i++) {
        const struct wire_point *point;
        size_t count;
        while (waiting(self) < BACKLOG &&
               (point = history_next(history, (uint32_t)i, &self->cursor[i], SIZE_MAX, &count)))
            wire_put_points(&self->out, (uint32_t)i, point, count);
    }
}

static void feed_events(struct viewer *self, const struct history *history)
{
    const struct history_event *event;
    while (waiting(self) < BACKLOG && (event = history_next_event(history, &self->events)))
        wire_put_event(&self->out, event);
}

void viewer_feed(struct viewer *self, const struct history *history, const struct status_frame *status)
{
    int64_t now = clock_ns();
    if (status->number != self->status && waiting(self) < BACKLOG) { /* first of all: some only ask how it goes */
        text_add_bytes(&self->out, status->frame.bytes, status->frame.length);
        self->status = status->number;
    }
    feed_metrics(self, history);
    if (now - self->points_ns >= POINTS_EVERY_MS * (int64_t)1000000) {
        feed_points(self, history);
        if (waiting(self) < BACKLOG) self->points_ns = now; /* one with much to catch up on need not wait */
    }
    feed_events(self, history);
}

void viewer_answer(struct viewer *self, uint64_t request, bool done, int64_t step, const char *text)
{
    if (request >> 32 != self->number) return;
    json_t *json = json_object();
    json_object_set_new(json, "request", json_integer((json_int_t)(request & UINT32_MAX)));
    json_object_set_new(json, "done", json_boolean(done));
    json_object_set_new(json, "step", json_integer(step));
    json_object_set_new(json, "text", wire_text(text));
    wire_put_json(&self->out, WIRE_ANSWER, json);
}

bool viewer_write(struct viewer *self)
{
    while (waiting(self) > 0) {
        ssize_t count = send(self->fd, self->out.bytes + self->sent, waiting(self), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) break;
        if (count <= 0) return false;
        self->sent += (size_t)count;
        self->taken_ns = clock_ns();
    }
    if (self->sent > 0) {
        memmove(self->out.bytes, self->out.bytes + self->sent, waiting(self));
        self->out.length -= self->sent;
        self->sent = 0;
    }
    if (self->out.length == 0) self->taken_ns = clock_ns();
    return self->out.length <= BACKLOG_MAX;
}

static void put_bye(struct viewer *self, const struct log_end *end)
{
    json_t *json = json_object();
    json_object_set_new(json, "state", json_string(run_state_name(end->state)));
    json_object_set_new(json, "exit_code", json_integer(end->exit_code));
    json_object_set_new(json, "sentence", wire_text(end->sentence ? end->sentence : ""));
    wire_put_json(&self->out, WIRE_BYE, json);
}

bool viewer_finish(struct viewer *self, const struct history *history, const struct status_frame *status,
                   const struct log_end *end)
{
    if (!self->finished) {
        self->points_ns = 0;
        viewer_feed(self, history, status);
        self->finished = waiting(self) < BACKLOG; /* all of it was queued */
        if (self->finished) put_bye(self, end);
    }
    return !viewer_write(self) || (self->finished && waiting(self) == 0);
}

bool viewer_is_behind(const struct viewer *self)
{
    return waiting(self) > 0;
}

double viewer_stuck_s(const struct viewer *self)
{
    return waiting(self) > 0 ? (double)(clock_ns() - self->taken_ns) / 1e9 : 0;
}
