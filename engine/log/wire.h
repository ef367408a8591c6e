/* What a run and its screens say to each other over a stream socket, version 2. A frame is
 *     u32 length of payload (little-endian, at most WIRE_PAYLOAD_MAX) · u8 type · payload
 * Payloads are JSON objects, but for POINTS. Anything else ends the connection, never the run. The first frame of a run
 * is HELLO, then STATUS as soon as there is one, METRIC, POINTS (the whole history), EVENT …; then whatever is new, at
 * most a few frames a second; the newest STATUS wins. A viewer that does not read is dropped when its backlog passes a
 * bound. Viewers send COMMAND only. Used by engine/log/socket.c and tui/feed/socket.c. Thread: pure functions on
 * buffers. */
#pragma once

#include "data/base/err.h"
#include "data/base/text.h"
#include "engine/log/log.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_VERSION = 2, WIRE_HEADER = 5, WIRE_PAYLOAD_MAX = 1 << 20 };

enum wire_type {
    WIRE_HELLO = 1, /* {version, name, folder, model, device, precision, host, pid, created, parameters:[names]};
                       stored: true when it is read from its log. Another HELLO starts anew */
    WIRE_METRIC,    /* {id, name, unit, description, goal}; each column of a family (families.def) is one */
    WIRE_POINTS,    /* u32 metric id, u32 count, count x struct wire_point (little-endian) */
    WIRE_EVENT,     /* {step, wall, kind, level, text} */
    WIRE_STATUS,    /* the fields of struct run_status; phase_ms by name */
    WIRE_ANSWER,    /* {request, done, step, text} */
    WIRE_BYE,       /* {state, exit_code, sentence} */
    WIRE_COMMAND    /* {request, command} of controls.def, and argument: "text" where the command takes one */
};

struct wire_point {
    int64_t step;
    double wall, value;
};

/* Looks at the start of a buffer: 0 = more bytes needed, >0 = bytes of the first whole frame (type and payload lent),
 * -1 = not the protocol (unknown type, too long). */
int64_t wire_next(const void *buffer, size_t length, enum wire_type *type, const void **payload,
                  size_t *payload_length);

/* Appends one frame. */
void wire_put(struct text *out, enum wire_type type, const void *payload, size_t length);

/* Appends one frame whose payload is a JSON object; takes `json`. Non-finite numbers must be texts (wire_number). */
void wire_put_json(struct text *out, enum wire_type type, json_t *json);

/* Appends POINTS frames (several when they are many). */
void wire_put_points(struct text *out, uint32_t metric, const struct wire_point *point, size_t count);

/* Appends an EVENT frame. */
struct history_event;
void wire_put_event(struct text *out, const struct history_event *event);

/* Reads a POINTS payload: gives the metric and how many points follow, copies at most `max` of them. False when
 * malformed. */
bool wire_get_points(const void *payload, size_t length, uint32_t *metric, struct wire_point *point, size_t max,
                     size_t *count);

/* Reads a JSON payload: NULL when it is no JSON object. The caller json_decrefs. */
json_t *wire_get_json(const void *payload, size_t length);

/* json_string for text that may not be UTF-8 (names of files): other bytes become '?'. */
json_t *wire_text(const char *text);

/* JSON has no NaN and no infinity: they travel as texts. */
json_t *wire_number(double value);
double wire_double(const json_t *json);

/* STATUS, both ways; what is missing reads as 0, "" or NaN. */
json_t *wire_status(const struct run_status *status);
void wire_read_status(struct run_status *status, const json_t *json);
