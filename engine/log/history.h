/* What a run has said so far, kept in memory for screens that come later: metrics, their points, events. A series that
 * grows past its bound loses every second point, so memory stays bounded while the whole time span stays visible
 * (run.h5 keeps everything). Readers hold a cursor per series and per events. Thread: one (the socket sink's). */
#pragma once

#include "engine/log/log.h"
#include "engine/log/wire.h"

#include <stddef.h>
#include <stdint.h>

struct history_event {
    int64_t step;
    double wall;
    enum event_kind kind;
    enum event_level level;
    char *text;
};

struct history;

/* Series get their numbers 0, 1, … in the order of history_metric; a series never holds more than `most` points. */
struct history *history_new(void);
void history_free(struct history *self);

uint32_t history_metric(struct history *self, const struct metric_info *info, size_t most);
/* The series of that name, or -1. */
int64_t history_find(const struct history *self, const char *name);

void history_point(struct history *self, uint32_t series, const struct wire_point *point);

/* Keeps a copy; the oldest events go when there are very many. */
void history_event(struct history *self, const struct history_event *event);

/* How far a reader is in one series; zero-initialised is the start. */
struct history_cursor {
    size_t done;
    unsigned thinned;
};

size_t history_metrics(const struct history *self);

/* Lends the description of one series. */
const struct metric_info *history_info(const struct history *self, uint32_t series);

/* Lends the next points of a series (as many as lie together, at most `max`) and moves the cursor; NULL when there is
 * nothing new. */
const struct wire_point *history_next(const struct history *self, uint32_t series, struct history_cursor *cursor,
                                      size_t max, size_t *count);

/* Lends the next event and moves the cursor (the number of events seen or gone); NULL when there is nothing new. */
const struct history_event *history_next_event(const struct history *self, uint64_t *cursor);
