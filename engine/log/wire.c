#include "engine/log/wire.h"

#include "data/base/memory.h"
#include "engine/log/history.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum { POINT_BYTES = 24, POINTS_PER_FRAME = 32768 };

/* ---- frames ---- */

static void store32(unsigned char *to, uint32_t value)
{
    for (int i = 0; i < 4; i++) to[i] = (unsigned char)(value >> (8 * i));
}

static uint32_t load32(const unsigned char *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

static void store64(unsigned char *to, uint64_t value)
{
    store32(to, (uint32_t)value);
    store32(to + 4, (uint32_t)(value >> 32));
}

static uint64_t load64(const unsigned char *from)
{
    return load32(from) | (uint64_t)load32(from + 4) << 32;
}

int64_t wire_next(const void *buffer, size_t length, enum wire_type *type, const void **payload, size_t *payload_length)
{
    const unsigned char *bytes = buffer;
    if (length < WIRE_HEADER) return 0;
    uint32_t size = load32(bytes);
    if (size > WIRE_PAYLOAD_MAX || bytes[4] < WIRE_HELLO || bytes[4] > WIRE_COMMAND) return -1;
    if (length < WIRE_HEADER + (size_t)size) return 0;
    *type = (enum wire_type)bytes[4];
    *payload = bytes + WIRE_HEADER;
    *payload_length = size;
    return WIRE_HEADER + (int64_t)size;
}

void wire_put(struct text *out, enum wire_type type, const void *payload, size_t length)
{
    lt_assert(length <= WIRE_PAYLOAD_MAX);
    unsigned char header[WIRE_HEADER];
    store32(header, (uint32_t)length);
    header[4] = (unsigned char)type;
    text_add_bytes(out, header, sizeof header);
    text_add_bytes(out, payload, length);
}

void wire_put_json(struct text *out, enum wire_type type, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    if (text && strlen(text) <= WIRE_PAYLOAD_MAX) wire_put(out, type, text, strlen(text));
    free(text);
    json_decref(json);
}

json_t *wire_get_json(const void *payload, size_t length)
{
    json_error_t error;
    json_t *json = json_loadb(payload, length, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(json)) return json;
    json_decref(json);
    return NULL;
}

/* ---- points ---- */

static void put_some(struct text *out, uint32_t metric, const struct wire_point *point, size_t count)
{
    unsigned char *payload = memory_new(8 + count * POINT_BYTES, 1);
    store32(payload, metric);
    store32(payload + 4, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        unsigned char *at = payload + 8 + i * POINT_BYTES;
        uint64_t bits;
        store64(at, (uint64_t)point[i].step);
        memcpy(&bits, &point[i].wall, sizeof bits);
        store64(at + 8, bits);
        memcpy(&bits, &point[i].value, sizeof bits);
        store64(at + 16, bits);
    }
    wire_put(out, WIRE_POINTS, payload, 8 + count * POINT_BYTES);
    free(payload);
}

void wire_put_points(struct text *out, uint32_t metric, const struct wire_point *point, size_t count)
{
    for (size_t done = 0; done < count; done += POINTS_PER_FRAME) {
        size_t some = count - done < POINTS_PER_FRAME ? count - done : POINTS_PER_FRAME;
        put_some(out, metric, point + done, some);
    }
}

bool wire_get_points(const void *payload, size_t length, uint32_t *metric, struct wire_point *point, size_t max,
                     size_t *count)
{
    const unsigned char *bytes = payload;
    if (length < 8 || (length - 8) % POINT_BYTES != 0 || load32(bytes + 4) != (length - 8) / POINT_BYTES) return false;
    *metric = load32(bytes);
    *count = (length - 8) / POINT_BYTES;
    for (size_t i = 0; i < *count && i < max; i++) {
        const unsigned char *at = bytes + 8 + i * POINT_BYTES;
        uint64_t wall = load64(at + 8), value = load64(at + 16);
        point[i].step = (int64_t)load64(at);
        memcpy(&point[i].wall, &wall, sizeof wall);
        memcpy(&point[i].value, &value, sizeof value);
    }
    return true;
}

/* ---- numbers ---- */

json_t *wire_number(double value)
{
    if (isfinite(value)) return json_real(value);
    return json_string(isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
}

double wire_double(const json_t *json)
{
    if (json_is_number(json)) return json_number_value(json);
    const char *text = json_string_value(json);
    if (text && strcmp(text, "inf") == 0) return INFINITY;
    return text && strcmp(text, "-inf") == 0 ? -INFINITY : NAN;
}

/* ---- status ---- */

/* The whole-number and real fields that travel under their own name. */
#define INTEGERS(X)                                                                                                    \
    X(step)                                                                                                            \
    X(steps)                                                                                                           \
    X(epoch)                                                                                                           \
    X(epochs) X(batch) X(batches) X(eval_batch) X(eval_batches) X(queued) X(ring) X(bad_files) X(skipped_updates)
#define REALS(X)                                                                                                       \
    X(samples_per_s)                                                                                                   \
    X(elapsed_s) X(paused_s) X(left_s) X(loss) X(lr) X(lr_factor) X(clip_value) X(best) X(step_ms)

json_t *wire_status(const struct run_status *status)
{
    json_t *json = json_object(), *phases = json_object();
    json_object_set_new(json, "state", json_string(run_state_name(status->state)));
    json_object_set_new(json, "stage", json_string(run_stage_name(status->stage)));
#define X(field) json_object_set_new(json, #field, json_integer(status->field));
    INTEGERS(X)
#undef X
#define X(field) json_object_set_new(json, #field, wire_number(status->field));
    REALS(X)
#undef X
    json_object_set_new(json, "monitor", json_string(status->monitor));
    json_object_set_new(json, "doing", json_string(status->doing));
    for (int i = 0; i < SPAN_PHASES; i++) json_object_set_new(phases, span_name(i), wire_number(status->phase_ms[i]));
    json_object_set_new(json, "phase_ms", phases);
    return json;
}

static void copy_text(char *to, size_t size, const json_t *json)
{
    const char *text = json_string_value(json);
    snprintf(to, size, "%s", text ? text : "");
}

void wire_read_status(struct run_status *status, const json_t *json)
{
    *status = (struct run_status){0};
    const char *state = json_string_value(json_object_get(json, "state"));
    const char *stage = json_string_value(json_object_get(json, "stage"));
    for (int i = 0; state && i < RUN_STATES; i++)
        if (strcmp(run_state_name((enum run_state)i), state) == 0) status->state = (enum run_state)i;
    for (int i = 0; stage && i < STAGES; i++)
        if (strcmp(run_stage_name((enum run_stage)i), stage) == 0) status->stage = (enum run_stage)i;
#define X(field) status->field = json_integer_value(json_object_get(json, #field));
    INTEGERS(X)
#undef X
#define X(field) status->field = wire_double(json_object_get(json, #field));
    REALS(X)
#undef X
    copy_text(status->monitor, sizeof status->monitor, json_object_get(json, "monitor"));
    copy_text(status->doing, sizeof status->doing, json_object_get(json, "doing"));
    const json_t *phases = json_object_get(json, "phase_ms");
    for (int i = 0; i < SPAN_PHASES; i++) status->phase_ms[i] = wire_double(json_object_get(phases, span_name(i)));
}

json_t *wire_text(const char *text)
{
    json_t *json = json_string(text);
    if (json) return json;
    char *clean = memory_text(text);
    for (char *c = clean; *c;) {
        utf8proc_int32_t code;
        const utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)c, -1, &code);
        if (used <= 0) *c = '?';
        c += used > 0 ? used : 1;
    }
    json = json_string(clean);
    free(clean);
    return json;
}

void wire_put_event(struct text *out, const struct history_event *event)
{
    static const char *const level[] = {[LEVEL_INFO] = "info", [LEVEL_WARNING] = "warning", [LEVEL_SEVERE] = "severe"};
    json_t *json = json_object();
    json_object_set_new(json, "step", json_integer(event->step));
    json_object_set_new(json, "wall", wire_number(event->wall));
    json_object_set_new(json, "kind", json_string(event_name(event->kind)));
    json_object_set_new(json, "level", json_string(level[event->level]));
    json_object_set_new(json, "text", wire_text(event->text));
    wire_put_json(out, WIRE_EVENT, json);
}
