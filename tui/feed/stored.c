#include "tui/feed/stored.h"

#include "data/base/clock.h"
#include "data/base/memory.h"
#include "data/base/path.h"
#include "engine/log/viewer.h"
#include "tui/feed/stored_status.h"

#include <errno.h>
#include <libgen.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

enum {
    POLL_MS = 500,
    RETRY_MS = 100,
    RETRIES = 5,            /* a run that is just starting lets nobody in for a moment */
    EARLY_MS = 100,         /* when reading takes longer, the screen gets a status before the end of the history */
    BLOCK = 1 << 16,        /* rows of a metric read at a time */
    FRAME = 2048,           /* points in one frame */
    FAMILY_BLOCK = 1 << 18, /* values of a family read at a time */
    FAMILY_MOST = 1 << 22,  /* values of a family that are told; of more, the extremes of groups of rows */
};

/* A metric that was announced: its number is its place. */
struct told {
    char *name;
    size_t rows;          /* read so far */
    size_t missing, tail; /* rows that were never written: before `rows`, and behind */
    bool complains;       /* it could not be read, and the screen knows */
};

/* A variant of a family. */
struct variant {
    enum log_family family;
    int number;
    size_t rows, group; /* read so far; rows that share a point per column */
    uint32_t *id;       /* of each column's metric */
};

struct stored {
    char *path, *folder;
    struct run_reader *reader; /* of the file as it is now; NULL while nothing is new */
    struct stat seen;
    int64_t resumes, began_ns;
    struct told *told;
    size_t count, capacity, events, variants, variant_capacity;
    struct variant *variant;
    bool greeted, missing_told;
    struct stored_status status;
    struct text last_status; /* the last such frame */
    struct wire_point *block;
    int fd;
    bool gone; /* the screen hung up */
    struct text in, out;
};

/* ---- the file ---- */

/* Opens the file when it is another than before; LT_OK with no reader: nothing is new. */
static enum lt_err look(struct stored *self)
{
    struct stat now;
    char *file = path_is_folder(self->path) ? path_join(self->path, "run.h5") : memory_text(self->path);
    const bool there = stat(file, &now) == 0;
    free(file);
    if (there && now.st_ino == self->seen.st_ino && now.st_size == self->seen.st_size &&
        now.st_mtim.tv_sec == self->seen.st_mtim.tv_sec && now.st_mtim.tv_nsec == self->seen.st_mtim.tv_nsec)
        return LT_OK;
    LT_TRY(run_reader_open(&self->reader, self->path));
    if (there) self->seen = now;
    return LT_OK;
}

static void close_reader(struct stored *self)
{
    run_reader_close(self->reader);
    self->reader = NULL;
}

static void nap(int ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

enum lt_err stored_open(struct stored **out, const char *path)
{
    struct stored *self = memory_new(1, sizeof *self);
    enum lt_err err;
    self->path = memory_text(path);
    self->fd = -1;
    for (int tries = 0; (err = look(self)) == LT_EIO && tries < RETRIES; tries++) nap(RETRY_MS);
    if (err != LT_OK) {
        stored_free(self);
        return err;
    }
    char *absolute = realpath(path, NULL);
    self->folder = memory_text(path_is_folder(path) || !absolute ? absolute : dirname(absolute));
    if (!self->folder) self->folder = memory_text(path);
    free(absolute);
    self->block = memory_new(BLOCK, sizeof *self->block);
    *out = self;
    return LT_OK;
}

/* Forgets what was told. */
static void forget(struct stored *self)
{
    for (size_t i = 0; i < self->count; i++) free(self->told[i].name);
    for (size_t i = 0; i < self->variants; i++) free(self->variant[i].id);
    text_release(&self->last_status);
    self->count = self->variants = self->events = 0;
    self->missing_told = false;
    self->status = (struct stored_status){0};
}

void stored_free(struct stored *self)
{
    if (!self) return;
    forget(self);
    close_reader(self);
    free(self->told), free(self->variant), free(self->block), free(self->path), free(self->folder);
    text_release(&self->in);
    text_release(&self->out);
    free(self);
}

/* ---- talking ---- */

static void send_out(struct stored *self)
{
    for (size_t sent = 0; !self->gone && sent < self->out.length;) {
        const ssize_t count = send(self->fd, self->out.bytes + sent, self->out.length - sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) self->gone = true;
        if (count > 0) sent += (size_t)count;
    }
    text_clear(&self->out);
}

static void put_points(struct stored *self, uint32_t id, const struct wire_point *point, size_t count)
{
    for (size_t done = 0; done < count; done += FRAME)
        wire_put_points(&self->out, id, point + done, count - done < FRAME ? count - done : FRAME);
}

/* Something about the file itself, as an event of now. */
static void put_note(struct stored *self, const char *text)
{
    char copy[1024];
    snprintf(copy, sizeof copy, "%s", text);
    wire_put_event(&self->out, &(struct history_event){.step = self->status.status.step,
                                                       .wall = clock_wall(),
                                                       .kind = EVENT_NOTE,
                                                       .level = LEVEL_WARNING,
                                                       .text = copy});
}

static void put_status(struct stored *self)
{
    struct text frame = {0};
    wire_put_json(&frame, WIRE_STATUS, wire_status(&self->status.status));
    const bool same = frame.length == self->last_status.length && self->last_status.length > 0 &&
                      memcmp(frame.bytes, self->last_status.bytes, frame.length) == 0;
    if (!same) text_add_bytes(&self->out, frame.bytes, frame.length);
    text_release(&self->last_status);
    self->last_status = frame;
}

static void put_hello(struct stored *self)
{
    const struct run_facts *facts = run_reader_facts(self->reader);
    json_t *json = json_object();
    json_object_set_new(json, "version", json_integer(WIRE_VERSION));
    json_object_set_new(json, "stored", json_true());
    json_object_set_new(json, "name", wire_text(facts->name));
    json_object_set_new(json, "folder", wire_text(self->folder));
    json_object_set_new(json, "model", wire_text(facts->model));
    json_object_set_new(json, "device", wire_text(facts->device));
    json_object_set_new(json, "precision", wire_text(facts->precision));
    json_object_set_new(json, "host", wire_text(facts->host));
    json_object_set_new(json, "created", wire_number(facts->created));
    wire_put_json(&self->out, WIRE_HELLO, json);
}

/* ---- metrics ---- */

/* The place of a metric, announced when it is new. `hint`: where it was when nothing has changed. */
static uint32_t tell_metric(struct stored *self, const struct metric_info *info, size_t hint)
{
    static const char *const goal[] = {[GOAL_NONE] = "none", [GOAL_MIN] = "min", [GOAL_MAX] = "max"};
    if (hint < self->count && strcmp(self->told[hint].name, info->name) == 0) return (uint32_t)hint;
    for (size_t i = 0; i < self->count; i++)
        if (strcmp(self->told[i].name, info->name) == 0) return (uint32_t)i;
    self->told = memory_grow(self->told, self->count, &self->capacity, sizeof *self->told);
    self->told[self->count] = (struct told){.name = memory_text(info->name)};
    json_t *json = json_object();
    json_object_set_new(json, "id", json_integer((json_int_t)self->count));
    json_object_set_new(json, "name", wire_text(info->name));
    json_object_set_new(json, "unit", wire_text(info->unit));
    json_object_set_new(json, "description", wire_text(info->description));
    json_object_set_new(json, "goal", json_string(goal[info->goal]));
    wire_put_json(&self->out, WIRE_METRIC, json);
    return (uint32_t)self->count++;
}

/* Removes rows that were never written and returns how many are left; *end is behind the last one that was. */
static size_t drop_holes(struct wire_point *point, size_t count, size_t *end)
{
    size_t kept = 0;
    *end = 0;
    for (size_t i = 0; i < count; i++) {
        if (point[i].step == 0 && point[i].wall == 0 && point[i].value == 0) continue;
        point[kept++] = point[i];
        *end = i + 1;
    }
    return kept;
}

/* Tells the next rows of a metric; false when there are no more. Rows missing at the end may still come. */
static bool tell_rows(struct stored *self, uint32_t id, const char *name)
{
    struct told *told = &self->told[id];
    size_t count, end;
    if (run_reader_rows(self->reader, name, told->rows, BLOCK, self->block, &count) != LT_OK) {
        if (!told->complains) put_note(self, lt_message());
        told->complains = true;
        return false;
    }
    const bool more = count == BLOCK;
    const size_t kept = drop_holes(self->block, count, &end);
    if (more) end = count;
    told->rows += end;
    told->missing += end - kept;
    told->tail = count - end;
    if (strcmp(name, self->status.status.monitor) == 0) stored_status_best(&self->status, self->block, kept);
    put_points(self, id, self->block, kept);
    return more;
}

static void early_status(struct stored *self)
{
    if (self->last_status.length == 0 && clock_ns() - self->began_ns > EARLY_MS * (int64_t)1000000) put_status(self);
}

/* In turns, so that every chart grows from the start. */
static void tell_points(struct stored *self)
{
    const size_t count = run_reader_metrics(self->reader);
    bool *done = memory_new(count + 1, sizeof *done);
    uint32_t *id = memory_new(count + 1, sizeof *id);
    for (size_t i = 0; i < count; i++) {
        const char *name = run_reader_metric(self->reader, i);
        struct metric_info info = {.name = name, .unit = "", .description = ""};
        if (!run_reader_info(self->reader, name, &info)) info.unit = "damaged";
        id[i] = tell_metric(self, &info, i);
    }
    for (size_t left = count; left > 0 && !self->gone;) {
        left = 0;
        for (size_t i = 0; i < count && !self->gone; i++) {
            if (!done[i]) done[i] = !tell_rows(self, id[i], run_reader_metric(self->reader, i));
            if (!done[i]) left++;
            early_status(self);
            send_out(self);
        }
    }
    free(done);
    free(id);
}

/* ---- families ---- */

static struct variant *find_variant(struct stored *self, enum log_family which, int number)
{
    for (size_t i = 0; i < self->variants; i++)
        if (self->variant[i].family == which && self->variant[i].number == number) return &self->variant[i];
    return NULL;
}

/* Announces each column as a metric. */
static struct variant *add_variant(struct stored *self, enum log_family which, int number,
                                   const struct run_family *family)
{
    const struct family *about = family_at(which);
    self->variant = memory_grow(self->variant, self->variants, &self->variant_capacity, sizeof *self->variant);
    struct variant *variant = &self->variant[self->variants++];
    *variant = (struct variant){
        .family = which, .number = number, .group = 1, .id = memory_new(family->names, sizeof *variant->id)};
    while (family->rows / variant->group * family->names > FAMILY_MOST) variant->group *= 2;
    for (size_t i = 0; i < family->names; i++) {
        struct text name = {0};
        text_add(&name, "%s/%s", about->prefix, family->name[i]);
        struct metric_info info = {.name = text_get(&name), .unit = about->unit, .description = about->description};
        variant->id[i] = tell_metric(self, &info, SIZE_MAX);
        text_release(&name);
    }
    return variant;
}

/* Of one column's rows first … last - 1 the largest, or one that is not finite. */
static struct wire_point extreme(const struct run_family_rows *rows, size_t names, size_t name, size_t first,
                                 size_t last)
{
    size_t best = first;
    for (size_t i = first; i < last && isfinite(rows->value[best * names + name]); i++)
        if (!(rows->value[i * names + name] <= rows->value[best * names + name])) best = i;
    return (struct wire_point){rows->step[best], rows->wall[best], (double)rows->value[best * names + name]};
}

static void put_family(struct stored *self, const struct variant *variant, const struct run_family *family,
                       const struct run_family_rows *rows, size_t count)
{
    struct wire_point *point = memory_new(count / variant->group + 1, sizeof *point);
    for (size_t name = 0; name < family->names; name++) {
        size_t points = 0, last;
        for (size_t first = 0; first < count; first = last) {
            last = first + variant->group < count ? first + variant->group : count;
            if (rows->wall[last - 1] > 0) point[points++] = extreme(rows, family->names, name, first, last);
        }
        put_points(self, variant->id[name], point, points);
    }
    free(point);
}

static void tell_variant(struct stored *self, struct variant *variant, const struct run_family *family)
{
    const size_t block = (FAMILY_BLOCK / family->names / variant->group + 1) * variant->group;
    struct run_family_rows rows = {memory_new(block, sizeof *rows.step), memory_new(block, sizeof *rows.wall),
                                   memory_new(block * family->names, sizeof *rows.value)};
    while (variant->rows < family->rows && !self->gone) {
        const size_t left = family->rows - variant->rows, count = left < block ? left : block;
        if (run_reader_family_rows(self->reader, family, variant->rows, count, &rows) != LT_OK) break;
        put_family(self, variant, family, &rows, count);
        variant->rows += count;
        early_status(self);
        send_out(self);
    }
    free(rows.step), free(rows.wall), free(rows.value);
}

static void tell_family(struct stored *self, enum log_family which)
{
    struct run_family family;
    for (int number = 1; number <= FAMILY_VARIANTS_MAX && !self->gone; number++) {
        if (run_reader_family(self->reader, family_at(which)->path, number, &family) != LT_OK) break;
        struct variant *variant = find_variant(self, which, number);
        if (!variant && family.rows > 0) variant = add_variant(self, which, number, &family);
        if (variant) tell_variant(self, variant, &family);
        run_family_release(&family);
    }
}

static void tell_families(struct stored *self)
{
    for (int i = 0; i < FAMILIES; i++)
        if (family_at((enum log_family)i)->prefix) tell_family(self, (enum log_family)i);
}

/* ---- all of it ---- */

static void tell_events(struct stored *self)
{
    struct history_event *event;
    size_t count, end = 0;
    if (run_reader_events(self->reader, self->events, &event, &count) != LT_OK) return;
    for (size_t i = 0; i < count; i++) {
        if (event[i].wall > 0) { /* else it was never written */
            stored_status_event(&self->status, &event[i]);
            wire_put_event(&self->out, &event[i]);
            end = i + 1;
        }
        free(event[i].text);
    }
    self->events += end;
    free(event);
}

static void start_anew(struct stored *self)
{
    char *config = run_reader_config(self->reader);
    forget(self);
    self->resumes = run_reader_facts(self->reader)->resumes;
    self->began_ns = clock_ns();
    stored_status_config(&self->status, config);
    stored_status_monitor(&self->status, self->reader);
    free(config);
    put_hello(self);
    self->greeted = true;
}

static void tell_missing(struct stored *self)
{
    const enum run_state state = self->status.status.state;
    size_t missing = 0;
    if (self->missing_told || !run_state_is_over(state)) return;
    for (size_t i = 0; i < self->count; i++) missing += self->told[i].missing + self->told[i].tail;
    if (missing == 0) return;
    char text[160];
    snprintf(text, sizeof text,
             "%zu rows of this log were never written (a crash, a full disk, or a file cut short) and are left out",
             missing);
    put_note(self, text);
    self->missing_told = true;
}

/* What the file holds and the screen does not know. */
static void tell_news(struct stored *self)
{
    if (!self->greeted || run_reader_facts(self->reader)->resumes != self->resumes) start_anew(self);
    tell_events(self);
    stored_status_update(&self->status, self->reader);
    stored_status_judge(&self->status, self->folder);
    tell_points(self);
    tell_families(self);
    tell_missing(self);
}

static void refuse(struct stored *self, const void *payload, size_t length)
{
    json_t *command = wire_get_json(payload, length), *json = json_object();
    json_object_set_new(json, "request", json_integer(json_integer_value(json_object_get(command, "request"))));
    json_object_set_new(json, "done", json_false());
    json_object_set_new(json, "text", json_string("this is a stored run; attach steers a living one"));
    wire_put_json(&self->out, WIRE_ANSWER, json);
    json_decref(command);
}

/* Everything a screen asks for is refused; what is no command ends the conversation. */
static void hear(struct stored *self)
{
    char bytes[4096];
    const ssize_t count = recv(self->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    enum wire_type type;
    const void *payload;
    size_t at = 0, length;
    int64_t used = 0;
    self->gone = count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
    if (count > 0) text_add_bytes(&self->in, bytes, (size_t)count);
    while (self->in.length > at &&
           (used = wire_next(self->in.bytes + at, self->in.length - at, &type, &payload, &length)) > 0) {
        if (type == WIRE_COMMAND) refuse(self, payload, length);
        at += (size_t)used;
    }
    if (used < 0) self->gone = true;
    if (at > 0) memmove(self->in.bytes, self->in.bytes + at, self->in.length - at);
    self->in.length -= at;
    send_out(self);
}

static void wait_a_moment(struct stored *self)
{
    struct pollfd screen = {.fd = self->fd, .events = POLLIN};
    const int64_t until = clock_ns() + POLL_MS * (int64_t)1000000;
    for (int64_t left; !self->gone && (left = (until - clock_ns()) / 1000000) > 0;)
        if (poll(&screen, 1, (int)left + 1) > 0) hear(self);
}

void stored_serve(struct stored *self, int fd)
{
    self->fd = fd;
    while (!self->gone) {
        if (self->reader)
            tell_news(self);
        else
            stored_status_judge(&self->status, self->folder);
        close_reader(self);
        put_status(self);
        send_out(self);
        wait_a_moment(self);
        if (look(self) != LT_OK) continue; /* it is being changed: a later look tells more */
    }
}
