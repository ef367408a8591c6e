/* A feed: a run as a screen sees it: what it is, its series, events, newest status, how it ended. Filled from frames of
 * the wire; the screen only reads it and sends commands. Thread: the screen's; the feed owns everything. */
#pragma once

#include "engine/log/control.h"
#include "tui/feed/series.h"

struct feed_metric {
    uint32_t id;
    char *name;
    struct series series;
};

struct feed_event {
    int64_t step;
    double wall;
    enum event_level level;
    char *kind, *text;
};

struct feed_hello {
    char *name, *folder, *model, *device, *precision, *host;
    int64_t pid;
    bool stored; /* read from its log: nobody is there to obey */
};

struct feed {
    struct feed_hello hello;
    bool has_hello, has_status, ended;
    bool foreign; /* another version of lathe speaks there: nothing of it is taken */
    struct run_status status;
    double status_wall; /* when it came, by this machine's clock */
    struct feed_metric *metric;
    size_t metrics, metric_capacity;
    struct feed_event *event;
    size_t events, event_capacity;
    int exit_code; /* when ended */
    char *sentence;
    uint64_t next_request, last_request; /* last_request: the newest command asked for */
    char asked[64], answer[256]; /* in words, for the command line of the screen; answer empty while it is open */
    uint64_t version;            /* changes with every frame */
};

void feed_release(struct feed *self);

/* Takes one frame in. False when it is no frame of a run. */
bool feed_apply(struct feed *self, enum wire_type type, const void *payload, size_t length);

/* Lends a metric's series by name; NULL when there is none. */
const struct series *feed_series(const struct feed *self, const char *name);

/* Appends a command's frame to `out` and notes that it was asked. `argument` NULL: none. */
void feed_ask(struct feed *self, struct text *out, enum control command, const char *argument);
