#include "tui/feed/feed.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Against a plain scan, for every range of a series with spikes and non-finite values. */
static void ranges_equal_a_scan(void **state)
{
    (void)state;
    struct series series = {0};
    enum { COUNT = 150 };
    for (int i = 0; i < COUNT; i++) {
        double value = (double)((i * 7919) % 101 - 50);
        if (i == 37) value = (double)NAN;
        if (i == 90) value = (double)INFINITY;
        series_add(&series, (struct wire_point){.step = 3 * i, .value = value});
    }
    for (size_t first = 0; first <= COUNT; first++)
        for (size_t last = first; last <= COUNT; last++) {
            float low = INFINITY, high = -INFINITY;
            bool nonfinite = false;
            for (size_t i = first; i < last; i++) {
                float value = (float)series.point[i].value;
                if (!isfinite(value)) {
                    nonfinite = true;
                    continue;
                }
                low = fminf(low, value), high = fmaxf(high, value);
            }
            struct series_bucket bucket = series_range(&series, first, last);
            assert_true(bucket.low == low && bucket.high == high && bucket.has_nonfinite == nonfinite);
        }
    for (int64_t step = -1; step < 3 * COUNT + 2; step++) {
        size_t at = series_find(&series, step);
        assert_true(at == COUNT || series.point[at].step >= step);
        assert_true(at == 0 || series.point[at - 1].step < step);
    }
    series_release(&series);
}

/* One spike, one NaN, at every phase of every bucket size: the range that holds them always says so. */
static void spikes_are_never_lost(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 64; size *= 2)
        for (size_t phase = 0; phase < size; phase++) {
            struct series series = {0};
            for (size_t i = 0; i < 4 * size; i++)
                series_add(&series, (struct wire_point){.step = (int64_t)i,
                                                        .value = i == size + phase       ? 1000
                                                                 : i == 2 * size + phase ? NAN
                                                                                         : 1});
            assert_true(series_range(&series, size, 2 * size).high == 1000);
            assert_true(series_range(&series, 2 * size, 3 * size).has_nonfinite);
            assert_true(series_range(&series, 0, 4 * size).high == 1000);
            assert_false(series_range(&series, 0, size).has_nonfinite);
            series_release(&series);
        }
}

static void put(struct feed *feed, struct text *frames)
{
    for (size_t at = 0; at < frames->length;) {
        enum wire_type type;
        const void *payload;
        size_t length;
        int64_t used = wire_next(frames->bytes + at, frames->length - at, &type, &payload, &length);
        assert_true(used > 0 && feed_apply(feed, type, payload, length));
        at += (size_t)used;
    }
    text_release(frames);
}

static void frames_fill_the_feed(void **state)
{
    (void)state;
    struct feed feed = {0};
    struct text frames = {0};
    struct run_status status = {.state = RUN_RUNNING, .step = 5};
    const struct wire_point point[3] = {{1, 0, 2.5}, {2, 0, NAN}, {1, 0, 9}}; /* the last is out of order: dropped */
    wire_put_json(&frames, WIRE_HELLO, json_pack("{s:s, s:s}", "name", "cnn/version_0", "model", "cnn"));
    wire_put_json(&frames, WIRE_METRIC, json_pack("{s:i, s:s}", "id", 4, "name", "train/loss"));
    wire_put_points(&frames, 4, point, 3);
    wire_put_points(&frames, 77, point, 3); /* of a metric nobody announced */
    wire_put_json(&frames, WIRE_STATUS, wire_status(&status));
    wire_put_json(&frames, WIRE_EVENT,
                  json_pack("{s:i, s:f, s:s, s:i, s:s}", "step", 3, "wall", 1.0, "kind", "checkpoint", "level", 0,
                            "text", "saved"));
    put(&feed, &frames);
    assert_string_equal(feed.hello.model, "cnn");
    assert_int_equal(feed_series(&feed, "train/loss")->count, 2);
    assert_int_equal(feed.status.step, 5);
    assert_string_equal(feed.event[0].text, "saved");
    feed_ask(&feed, &frames, COMMAND_PAUSE);
    text_release(&frames);
    wire_put_json(&frames, WIRE_ANSWER,
                  json_pack("{s:i, s:b, s:i, s:s}", "request", 1, "done", 1, "step", 6, "text", "paused"));
    wire_put_json(&frames, WIRE_BYE, json_pack("{s:i, s:s}", "exit_code", 130, "sentence", "stopped"));
    put(&feed, &frames);
    assert_string_equal(feed.asked, "pause");
    assert_string_equal(feed.answer, "done at step 6: paused");
    assert_true(feed.ended && feed.exit_code == 130);
    feed_release(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ranges_equal_a_scan), cmocka_unit_test(spikes_are_never_lost),
                                       cmocka_unit_test(frames_fill_the_feed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
