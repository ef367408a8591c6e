#include "data/base/rng.h"
#include "engine/log/control.h"
#include "engine/log/wire.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void status_round_trip(void **state)
{
    (void)state;
    struct run_status in = {.state = RUN_PAUSED,
                            .stage = STAGE_VALIDATION,
                            .step = 7,
                            .steps = 100,
                            .epoch = 2,
                            .loss = 0.25,
                            .lr = 3e-4,
                            .lr_factor = 0.5,
                            .best = NAN,
                            .left_s = INFINITY,
                            .monitor = "val/acc",
                            .doing = "x",
                            .phase_ms = {1, 2, 3},
                            .step_ms = 9};
    struct run_status out;
    struct text frame = {0};
    wire_put_json(&frame, WIRE_STATUS, wire_status(&in));
    enum wire_type type;
    const void *payload;
    size_t length;
    assert_int_equal(wire_next(frame.bytes, frame.length, &type, &payload, &length), frame.length);
    assert_int_equal(wire_next(frame.bytes, frame.length - 1, &type, &payload, &length), 0);
    json_t *json = wire_get_json(payload, length);
    wire_read_status(&out, json);
    json_decref(json);
    assert_int_equal(out.state, RUN_PAUSED);
    assert_int_equal(out.stage, STAGE_VALIDATION);
    assert_int_equal(out.step, 7);
    assert_true(isnan(out.best) && isinf(out.left_s) && out.phase_ms[2] == 3 && out.step_ms == 9);
    assert_true(out.loss == 0.25 && out.lr == 3e-4 && out.lr_factor == 0.5);
    assert_string_equal(out.monitor, "val/acc");
    text_release(&frame);
}

static void points_round_trip(void **state)
{
    (void)state;
    static struct wire_point in[40000], out[40000];
    for (int i = 0; i < 40000; i++) in[i] = (struct wire_point){i, 0.5 * i, i == 3 ? (double)NAN : -(double)i};
    struct text frames = {0};
    wire_put_points(&frames, 9, in, 40000);
    size_t at = 0, got = 0;
    while (at < frames.length) {
        enum wire_type type;
        const void *payload;
        size_t length, count;
        uint32_t metric;
        int64_t used = wire_next(frames.bytes + at, frames.length - at, &type, &payload, &length);
        assert_true(used > 0 && type == WIRE_POINTS);
        assert_true(wire_get_points(payload, length, &metric, out + got, 40000 - got, &count));
        assert_int_equal(metric, 9);
        got += count;
        at += (size_t)used;
    }
    assert_int_equal(got, 40000);
    assert_memory_equal(in, out, sizeof in);
    text_release(&frames);
}

/* Random bytes never crash, and what is no frame is said to be none. */
static void hostile_bytes(void **state)
{
    (void)state;
    struct rng rng = rng_at(rng_key(1, RNG_TEST), 0, 0, 0);
    for (int round = 0; round < 20000; round++) {
        unsigned char bytes[64];
        for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)rng_below(&rng, round % 2 ? 256 : 10);
        enum wire_type type;
        const void *payload;
        size_t length, count;
        uint32_t metric;
        struct wire_point point[2];
        int64_t used = wire_next(bytes, sizeof bytes, &type, &payload, &length);
        assert_true(used <= (int64_t)sizeof bytes);
        if (used <= 0) continue;
        json_decref(wire_get_json(payload, length));
        if (wire_get_points(payload, length, &metric, point, 2, &count)) assert_true(count <= 2);
    }
    unsigned char long_frame[5] = {0xff, 0xff, 0xff, 0xff, WIRE_HELLO}, bad_type[5] = {0, 0, 0, 0, 99};
    enum wire_type type;
    const void *payload;
    size_t length;
    assert_int_equal(wire_next(long_frame, 5, &type, &payload, &length), -1);
    assert_int_equal(wire_next(bad_type, 5, &type, &payload, &length), -1);
}

static void mailbox_is_bounded_and_in_order(void **state)
{
    (void)state;
    struct mailbox *box = mailbox_new();
    struct request request = {.command = COMMAND_PAUSE};
    int put = 0;
    for (request.id = 1; mailbox_put(box, &request); request.id++) put++;
    assert_int_equal(put, 64);
    for (uint64_t id = 1; id <= 64; id++) {
        assert_true(mailbox_take(box, &request));
        assert_int_equal(request.id, id);
    }
    assert_false(mailbox_take(box, &request));
    mailbox_wait(box, 0.01); /* returns although nothing comes */
    mailbox_free(box);
    for (int i = 0; i < COMMANDS; i++) assert_int_equal(control_find(control_name((enum control)i)), i);
    assert_int_equal(control_find("rm"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(status_round_trip), cmocka_unit_test(points_round_trip),
                                       cmocka_unit_test(hostile_bytes),
                                       cmocka_unit_test(mailbox_is_bounded_and_in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
