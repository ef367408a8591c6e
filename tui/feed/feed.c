#include "tui/feed/feed.h"

#include "data/base/clock.h"
#include "data/base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { METRICS_MAX = 100000, EVENTS_MAX = 1000000 };

static char *copy(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return memory_text(text ? text : "");
}

static void release_hello(struct feed_hello *hello)
{
    free(hello->name), free(hello->folder), free(hello->model), free(hello->device), free(hello->precision),
        free(hello->host);
    *hello = (struct feed_hello){0};
}

static void release_history(struct feed *self)
{
    for (size_t i = 0; i < self->metrics; i++) {
        series_release(&self->metric[i].series);
        free(self->metric[i].name);
    }
    for (size_t i = 0; i < self->events; i++) {
        free(self->event[i].kind);
        free(self->event[i].text);
    }
    self->metrics = self->events = 0;
}

void feed_release(struct feed *self)
{
    release_hello(&self->hello);
    release_history(self);
    free(self->metric);
    free(self->event);
    free(self->sentence);
    *self = (struct feed){0};
}

/* ---- frames ---- */

/* Another HELLO starts anew: a stored run was resumed and what came after that step is superseded. */
static void take_hello(struct feed *self, const json_t *json)
{
    release_hello(&self->hello);
    release_history(self);
    self->hello = (struct feed_hello){.name = copy(json, "name"),
                                      .folder = copy(json, "folder"),
                                      .model = copy(json, "model"),
                                      .device = copy(json, "device"),
                                      .precision = copy(json, "precision"),
                                      .host = copy(json, "host"),
                                      .pid = json_integer_value(json_object_get(json, "pid")),
                                      .stored = json_is_true(json_object_get(json, "stored"))};
    self->has_hello = true;
    self->ended = false;
}

static struct feed_metric *find_metric(struct feed *self, uint32_t id)
{
    if (id < self->metrics && self->metric[id].id == id) return &self->metric[id]; /* as runs number them */
    for (size_t i = 0; i < self->metrics; i++)
        if (self->metric[i].id == id) return &self->metric[i];
    return NULL;
}

static void take_metric(struct feed *self, const json_t *json)
{
    uint32_t id = (uint32_t)json_integer_value(json_object_get(json, "id"));
    if (find_metric(self, id) || self->metrics >= METRICS_MAX) return;
    self->metric = memory_grow(self->metric, self->metrics, &self->metric_capacity, sizeof *self->metric);
    self->metric[self->metrics++] = (struct feed_metric){.id = id, .name = copy(json, "name")};
}

/* Keeps those that come in order of step: returns how many, moved to the front. */
static size_t in_order(const struct series *series, struct wire_point *point, size_t count)
{
    int64_t last = series->count ? series->point[series->count - 1].step : INT64_MIN;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (point[i].step < last) continue;
        last = point[i].step;
        point[kept++] = point[i];
    }
    return kept;
}

static bool take_points(struct feed *self, const void *payload, size_t length)
{
    uint32_t id;
    size_t count, room = length / sizeof(struct wire_point) + 1;
    struct wire_point *point = memory_new(room, sizeof *point);
    bool good = wire_get_points(payload, length, &id, point, room, &count);
    struct feed_metric *metric = good ? find_metric(self, id) : NULL;
    if (metric) series_add_many(&metric->series, point, in_order(&metric->series, point, count));
    free(point);
    return good;
}

static enum event_level read_level(const json_t *json)
{
    const char *name = json_string_value(json);
    if (name && strcmp(name, "severe") == 0) return LEVEL_SEVERE;
    return name && strcmp(name, "warning") == 0 ? LEVEL_WARNING : LEVEL_INFO;
}

static void take_event(struct feed *self, const json_t *json)
{
    if (self->events >= EVENTS_MAX) return;
    self->event = memory_grow(self->event, self->events, &self->event_capacity, sizeof *self->event);
    self->event[self->events++] = (struct feed_event){.step = json_integer_value(json_object_get(json, "step")),
                                                      .wall = wire_double(json_object_get(json, "wall")),
                                                      .level = read_level(json_object_get(json, "level")),
                                                      .kind = copy(json, "kind"),
                                                      .text = copy(json, "text")};
}

static void take_answer(struct feed *self, const json_t *json)
{
    uint64_t request = (uint64_t)json_integer_value(json_object_get(json, "request"));
    const char *text = json_string_value(json_object_get(json, "text"));
    if (request != self->last_request) return;
    if (json_is_true(json_object_get(json, "done")))
        snprintf(self->answer, sizeof self->answer, "done at step %" PRId64 ": %.180s",
                 (int64_t)json_integer_value(json_object_get(json, "step")), text ? text : "");
    else
        snprintf(self->answer, sizeof self->answer, "not done: %.200s", text ? text : "");
}

static void take_bye(struct feed *self, const json_t *json)
{
    self->ended = true;
    self->exit_code = (int)json_integer_value(json_object_get(json, "exit_code"));
    free(self->sentence);
    self->sentence = copy(json, "sentence");
}

bool feed_apply(struct feed *self, enum wire_type type, const void *payload, size_t length)
{
    self->version++;
    if (type == WIRE_POINTS) return take_points(self, payload, length);
    json_t *json = wire_get_json(payload, length);
    if (!json) return false;
    switch (type) {
    case WIRE_HELLO:
        self->foreign = json_integer_value(json_object_get(json, "version")) != WIRE_VERSION;
        if (!self->foreign) take_hello(self, json);
        break;
    case WIRE_METRIC: take_metric(self, json); break;
    case WIRE_EVENT: take_event(self, json); break;
    case WIRE_ANSWER: take_answer(self, json); break;
    case WIRE_BYE: take_bye(self, json); break;
    case WIRE_STATUS:
        wire_read_status(&self->status, json);
        self->status_wall = clock_wall();
        self->has_status = true;
        break;
    case WIRE_COMMAND:
    case WIRE_POINTS: break;
    }
    json_decref(json);
    return type != WIRE_COMMAND && !self->foreign;
}

/* ---- reading and asking ---- */

const struct series *feed_series(const struct feed *self, const char *name)
{
    for (size_t i = 0; i < self->metrics; i++)
        if (strcmp(self->metric[i].name, name) == 0) return &self->metric[i].series;
    return NULL;
}

void feed_ask(struct feed *self, struct text *out, enum control command, const char *argument)
{
    self->last_request = ++self->next_request;
    snprintf(self->asked, sizeof self->asked, "%s%s%s", control_name(command), argument ? " " : "",
             argument ? argument : "");
    self->answer[0] = 0;
    self->version++;
    wire_put_json(out, WIRE_COMMAND,
                  json_pack("{s:I, s:s, s:s*}", "request", (json_int_t)self->last_request, "command",
                            control_name(command), "argument", argument));
}
