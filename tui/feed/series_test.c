#include "tui/feed/feed.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Sawtooth, with one spike and two non-finite values. */
static struct wire_point made(int i)
{
    double value = i == 37 ? (double)NAN : i == 290 ? (double)INFINITY : (double)((i * 7919) % 101 - 50);
    return (struct wire_point){.step = 3 * i, .value = i == 131 ? 1e6 : value};
}

static struct series_bucket plain_scan(const struct series *series, size_t first, size_t last)
{
    struct series_bucket all = {INFINITY, -INFINITY, false};
    for (size_t i = first; i < last; i++) {
        float value = (float)series->point[i].value;
        if (!isfinite(value)) all.has_nonfinite = true;
        if (!isfinite(value)) continue;
        all.low = fminf(all.low, value), all.high = fmaxf(all.high, value);
    }
    return all;
}

static void ranges_equal_a_scan(void **state)
{
    (void)state;
    struct series series = {0};
    enum { COUNT = 333 };
    for (int i = 0; i < COUNT; i++) series_add(&series, made(i));
    for (size_t first = 0; first <= COUNT; first++)
        for (size_t last = first; last <= COUNT; last++) {
            struct series_bucket bucket = series_range(&series, first, last), wanted = plain_scan(&series, first, last);
            assert_true(bucket.low == wanted.low && bucket.high == wanted.high &&
                        bucket.has_nonfinite == wanted.has_nonfinite);
        }
    for (int64_t step = -1; step < 3 * COUNT + 2; step++) {
        size_t at = series_find(&series, step);
        assert_true(at == COUNT || series.point[at].step >= step);
        assert_true(at == 0 || series.point[at - 1].step < step);
    }
    series_release(&series);
}

/* However the points come, the series is the same. */
static void many_at_once_are_the_same(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    struct wire_point *point = calloc(COUNT, sizeof *point);
    for (int i = 0; i < COUNT; i++) point[i] = made(i);
    struct series one = {0}, many = {0};
    for (size_t i = 0; i < COUNT; i++) series_add(&one, point[i]);
    for (size_t at = 0, piece = 0; at < COUNT; at += piece, piece = (piece * 5 + 3) % 97)
        series_add_many(&many, point + at, at + piece < COUNT ? piece : (piece = COUNT - at));
    assert_int_equal(one.count, many.count);
    assert_memory_equal(one.point, many.point, COUNT * sizeof *point);
    assert_memory_equal(one.smooth, many.smooth, COUNT * sizeof *one.smooth);
    for (int k = 0; k < SERIES_LEVELS; k++) {
        assert_int_equal(one.level_count[k], (size_t)(COUNT / SERIES_LEAF) >> k);
        assert_int_equal(many.level_count[k], one.level_count[k]);
        for (size_t i = 0; i < one.level_count[k]; i++)
            assert_true(one.level[k][i].low == many.level[k][i].low && one.level[k][i].high == many.level[k][i].high);
    }
    series_release(&one);
    series_release(&many);
    free(point);
}

/* One spike, one NaN, at every phase of every bucket size: the range that holds them always says so. */
static void spikes_are_never_lost(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 512; size *= 2)
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
    wire_put_json(&frames, WIRE_HELLO,
                  json_pack("{s:i, s:s, s:s}", "version", WIRE_VERSION, "name", "cnn/version_0", "model", "cnn"));
    wire_put_json(&frames, WIRE_METRIC, json_pack("{s:i, s:s}", "id", 4, "name", "train/loss"));
    wire_put_points(&frames, 4, point, 3);
    wire_put_points(&frames, 77, point, 3); /* of a metric nobody announced */
    wire_put_json(&frames, WIRE_STATUS, wire_status(&status));
    wire_put_json(&frames, WIRE_EVENT,
                  json_pack("{s:i, s:f, s:s, s:s, s:s}", "step", 3, "wall", 1.0, "kind", "checkpoint", "level",
                            "warning", "text", "saved"));
    put(&feed, &frames);
    assert_string_equal(feed.hello.model, "cnn");
    assert_int_equal(feed_series(&feed, "train/loss")->count, 2);
    assert_int_equal(feed.status.step, 5);
    assert_string_equal(feed.event[0].text, "saved");
    assert_int_equal(feed.event[0].level, LEVEL_WARNING);
    feed_ask(&feed, &frames, COMMAND_PAUSE, NULL);
    text_release(&frames);
    wire_put_json(&frames, WIRE_ANSWER,
                  json_pack("{s:i, s:b, s:i, s:s}", "request", 1, "done", 1, "step", 6, "text", "paused"));
    wire_put_json(&frames, WIRE_BYE, json_pack("{s:i, s:s}", "exit_code", 130, "sentence", "stopped"));
    put(&feed, &frames);
    assert_string_equal(feed.asked, "pause");
    assert_string_equal(feed.answer, "done at step 6: paused");
    assert_true(feed.ended && feed.exit_code == 130);
    feed_ask(&feed, &frames, COMMAND_SET, "lr*0.5");
    assert_string_equal(feed.asked, "set lr*0.5");
    static const char set[] = "{\"request\":2,\"command\":\"set\",\"argument\":\"lr*0.5\"}";
    assert_int_equal(frames.length, WIRE_HEADER + sizeof set - 1);
    assert_memory_equal(frames.bytes + WIRE_HEADER, set, sizeof set - 1);
    text_release(&frames);
    wire_put_json(&frames, WIRE_HELLO,
                  json_pack("{s:i, s:s, s:b}", "version", WIRE_VERSION, "name", "again", "stored", 1));
    put(&feed, &frames);
    assert_true(feed.hello.stored && feed.metrics == 0 && feed.events == 0 && !feed.ended);
    text_release(&frames);
    wire_put_json(&frames, WIRE_HELLO, json_pack("{s:i, s:s}", "version", WIRE_VERSION - 1, "name", "of old"));
    assert_false(feed_apply(&feed, WIRE_HELLO, frames.bytes + WIRE_HEADER, frames.length - WIRE_HEADER));
    assert_true(feed.foreign && strcmp(feed.hello.name, "again") == 0);
    text_release(&frames);
    feed_release(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ranges_equal_a_scan),
                                       cmocka_unit_test(many_at_once_are_the_same),
                                       cmocka_unit_test(spikes_are_never_lost), cmocka_unit_test(frames_fill_the_feed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
