#include "engine/log/history.h"

#include "data/base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 512 /* points */, EVENTS_MAX = 8192 };

struct series {
    struct metric_info info; /* texts owned */
    struct wire_point **chunk;
    size_t chunks, chunk_capacity;
    size_t count, most;
    unsigned thinned; /* how often every second point went */
};

struct history {
    struct series *series;
    size_t count, capacity;
    struct history_event *event;
    size_t events, event_capacity;
    uint64_t events_gone; /* numbers of events go on over the ones that went */
};

struct history *history_new(void)
{
    return memory_new(1, sizeof(struct history));
}

void history_free(struct history *self)
{
    if (!self) return;
    for (size_t i = 0; i < self->count; i++) {
        struct series *series = &self->series[i];
        free((char *)series->info.name);
        free((char *)series->info.unit);
        free((char *)series->info.description);
        for (size_t c = 0; c < series->chunks; c++) free(series->chunk[c]);
        free(series->chunk);
    }
    for (size_t i = 0; i < self->events; i++) free(self->event[i].text);
    free(self->event);
    free(self->series);
    free(self);
}

uint32_t history_metric(struct history *self, const struct metric_info *info, size_t most)
{
    self->series = memory_grow(self->series, self->count, &self->capacity, sizeof *self->series);
    self->series[self->count] = (struct series){.info = {.name = memory_text(info->name),
                                                         .unit = memory_text(info->unit),
                                                         .description = memory_text(info->description),
                                                         .goal = info->goal},
                                                .most = most};
    return (uint32_t)self->count++;
}

int64_t history_find(const struct history *self, const char *name)
{
    for (size_t i = 0; i < self->count; i++)
        if (strcmp(self->series[i].info.name, name) == 0) return (int64_t)i;
    return -1;
}

static struct wire_point *at(const struct series *series, size_t i)
{
    return &series->chunk[i / CHUNK][i % CHUNK];
}

/* Keeps points 0, 2, 4, …: a reader that had `done` points has had (done + 1) / 2 of those. */
static void thin(struct series *series)
{
    size_t kept = (series->count + 1) / 2;
    for (size_t i = 0; i < kept; i++) *at(series, i) = *at(series, 2 * i);
    series->count = kept;
    series->thinned++;
}

void history_point(struct history *self, uint32_t id, const struct wire_point *point)
{
    if (id >= self->count) return;
    struct series *series = &self->series[id];
    if (series->count >= series->most) thin(series);
    if (series->count == series->chunks * CHUNK) {
        series->chunk = memory_grow(series->chunk, series->chunks, &series->chunk_capacity, sizeof *series->chunk);
        series->chunk[series->chunks++] = memory_new(CHUNK, sizeof **series->chunk);
    }
    *at(series, series->count++) = *point;
}

void history_event(struct history *self, const struct history_event *event)
{
    if (self->events == EVENTS_MAX) {
        size_t gone = EVENTS_MAX / 4;
        for (size_t i = 0; i < gone; i++) free(self->event[i].text);
        memmove(self->event, self->event + gone, (self->events - gone) * sizeof *self->event);
        self->events -= gone;
        self->events_gone += gone;
    }
    self->event = memory_grow(self->event, self->events, &self->event_capacity, sizeof *self->event);
    self->event[self->events] = *event;
    self->event[self->events++].text = memory_text(event->text);
}

size_t history_metrics(const struct history *self)
{
    return self->count;
}

const struct metric_info *history_info(const struct history *self, uint32_t series)
{
    return &self->series[series].info;
}

const struct wire_point *history_next(const struct history *self, uint32_t id, struct history_cursor *cursor,
                                      size_t max, size_t *count)
{
    const struct series *series = &self->series[id];
    for (; cursor->thinned < series->thinned; cursor->thinned++) cursor->done = (cursor->done + 1) / 2;
    size_t together = CHUNK - cursor->done % CHUNK, left = series->count - cursor->done;
    *count = left < together ? left : together;
    if (*count > max) *count = max;
    if (*count == 0) return NULL;
    const struct wire_point *point = at(series, cursor->done);
    cursor->done += *count;
    return point;
}

const struct history_event *history_next_event(const struct history *self, uint64_t *cursor)
{
    if (*cursor < self->events_gone) *cursor = self->events_gone;
    uint64_t i = *cursor - self->events_gone;
    if (i >= self->events) return NULL;
    ++*cursor;
    return &self->event[i];
}
