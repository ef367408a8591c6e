/* What a run and its screens say to each other over a stream socket, version 1. A frame is
 *     u32 length of payload (little-endian, at most WIRE_PAYLOAD_MAX) · u8 type · payload
 * Payloads are JSON objects, but for POINTS. Anything else ends the connection, never the run. The first frame of a run is HELLO,
 * then METRIC, POINTS (the whole history), EVENT … and STATUS; then whatever is new, at most a few frames a second; the newest STATUS
 * wins. A viewer that does not read is dropped when its backlog passes a bound. Viewers send COMMAND only.
 * Used by engine/log/socket.c and tui/feed/socket.c. Thread: pure functions on buffers. */
#pragma once

#include "data/base/err.h"
#include "engine/log/log.h"

#include <stddef.h>
#include <stdint.h>

enum { WIRE_VERSION = 1, WIRE_HEADER = 5, WIRE_PAYLOAD_MAX = 1 << 20 };

enum wire_type {
    WIRE_HELLO = 1, /* {version, name, folder, model, device, precision, host, pid, created, parameters:[names]} */
    WIRE_METRIC,    /* {id, name, unit, description, goal} */
    WIRE_POINTS,    /* u32 metric id, u32 count, count x struct wire_point (little-endian) */
    WIRE_EVENT,     /* {step, wall, kind, level, text} */
    WIRE_STATUS,    /* the fields of struct run_status; phase_ms by name */
    WIRE_ANSWER,    /* {request, done, step, text} */
    WIRE_CONSOLE,   /* {text} */
    WIRE_BYE,       /* {state, exit_code, sentence} */
    WIRE_COMMAND    /* {request, command, argument}: pause, resume, checkpoint, stop, save_and_stop, validate, set … */
};

struct wire_point {
    int64_t step;
    double wall, value;
};

/* Looks at the start of a buffer: 0 = more bytes needed, >0 = bytes of the first whole frame (type and payload lent),
 * -1 = not the protocol (unknown type, too long). */
int64_t wire_next(const void *buffer, size_t length, enum wire_type *type, const void **payload, size_t *payload_length);
