/* The fan-out itself: more metrics than most runs have, more records than the ring holds, plain lines. */
#include "data/base/clock.h"
#include "data/base/path.h"
#include "engine/log/history.h"
#include "engine/log/log.h"
#include "engine/log/read.h"

#include <hdf5.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];

static int fresh_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/log_test_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static struct log *open_log(const struct log_options *options)
{
    struct log *log;
    struct log_run run = {.folder = folder,
                          .name = "a/version_0",
                          .model = "cnn",
                          .device = "cpu",
                          .precision = "32",
                          .config_yaml = "",
                          .resume_step = -1};
    assert_int_equal(log_open(&log, &run, options), LT_OK);
    return log;
}

static int declare(struct log *log, int i)
{
    char name[32];
    snprintf(name, sizeof name, "layer%d/norm", i);
    return log_metric(log, &(struct metric_info){.name = name, .goal = GOAL_MIN});
}

static void expect_document(const char *name, const char *expected)
{
    char path[128], *bytes;
    size_t length;
    snprintf(path, sizeof path, "%s/documents/%s.json", folder, name);
    assert_int_equal(path_read(&bytes, &length, path, 1 << 20), LT_OK);
    assert_string_equal(bytes, expected);
    free(bytes);
}

/* Each document is a file, the newest one whole. */
static void documents(void **state)
{
    (void)state;
    struct log *log = open_log(&(struct log_options){.hdf5 = true, .viewer_fd = -1});
    log_document(log, "confusion", json_pack("{s:i}", "step", 1));
    log_document(log, "classes", json_pack("{s:[s,s]}", "names", "cat", "dog"));
    log_document(log, "confusion", json_pack("{s:i}", "step", 20));
    log_close(log, RUN_DONE, 0, "done");
    expect_document("confusion", "{\"step\":20}");
    expect_document("classes", "{\"names\":[\"cat\",\"dog\"]}");
}

static void many_metrics(void **state)
{
    (void)state;
    enum { METRICS = 400, ROWS = 50 };
    struct log *log = open_log(&(struct log_options){.hdf5 = true, .viewer_fd = -1});
    for (int i = 0; i < METRICS; i++) assert_int_equal(declare(log, i), i);
    for (int i = 0; i < METRICS; i++) assert_int_equal(declare(log, i), i);
    for (int64_t step = 0; step < ROWS; step++)
        for (int i = 0; i < METRICS; i++) log_scalar(log, i, step, (double)(step * i));
    log_close(log, RUN_DONE, 0, "");
    struct run_reader *reader = NULL;
    assert_int_equal(run_reader_open(&reader, folder), LT_OK);
    assert_int_equal(run_reader_metrics(reader), METRICS);
    for (int i = 0; i < METRICS; i += 57) {
        char name[32];
        struct wire_point *point;
        size_t count;
        snprintf(name, sizeof name, "layer%d/norm", i);
        assert_int_equal(run_reader_points(reader, name, &point, &count), LT_OK);
        assert_int_equal(count, ROWS);
        for (size_t row = 0; row < count; row++) assert_true(point[row].value == (double)row * i);
        free(point);
    }
    run_reader_close(reader);
}

/* How many records the dropped events of the file own up to, and how many there are. */
static uint64_t told_drops(struct run_reader *reader)
{
    struct history_event *event;
    size_t count;
    uint64_t told = 0;
    assert_int_equal(run_reader_events(reader, 0, &event, &count), LT_OK);
    for (size_t i = 0; i < count; i++) {
        if (event[i].kind == EVENT_DROPPED) told += strtoull(event[i].text, NULL, 10);
        free(event[i].text);
    }
    free(event);
    return told;
}

enum { RECORDS = 300000 };

static herr_t push_records(hid_t id, const char *name, void *context)
{
    (void)id, (void)name;
    struct log *log = context;
    int loss = declare(log, 0);
    int64_t begin = clock_ns();
    for (int64_t step = 0; step < RECORDS; step++) log_scalar(log, loss, step, (double)step);
    print_message("%.0f ns per record; ", (double)(clock_ns() - begin) / RECORDS);
    return 1; /* enough */
}

/* The trainer runs far ahead of the file, whose writer waits meanwhile, as HDF5 lets in one thread at a time: it is
 * never held up, and every number is either there or counted as lost. */
static void a_full_ring_drops_and_says_so(void **state)
{
    (void)state;
    struct log *log = open_log(&(struct log_options){.hdf5 = true, .viewer_fd = -1});
    assert_int_equal(H5Piterate(H5P_FILE_ACCESS, NULL, push_records, log), 1);
    log_flush(log);
    int late = declare(log, 1); /* comes through although the ring was full */
    log_scalar(log, late, RECORDS, 1);
    log_close(log, RUN_DONE, 0, "");
    struct run_reader *reader = NULL;
    struct wire_point *point;
    size_t count;
    assert_int_equal(run_reader_open(&reader, folder), LT_OK);
    assert_int_equal(run_reader_points(reader, "layer0/norm", &point, &count), LT_OK);
    uint64_t told = told_drops(reader);
    print_message("%zu rows in the file, %" PRIu64 " told as lost\n", count, told);
    assert_true(count + told == RECORDS);
    assert_true(told > 0);
    for (size_t i = 1; i < count; i++) assert_true(point[i].step > point[i - 1].step);
    free(point);
    assert_int_equal(run_reader_points(reader, "layer1/norm", &point, &count), LT_OK);
    assert_int_equal(count, 1);
    free(point);
    run_reader_close(reader);
}

static void plain_lines(void **state)
{
    (void)state;
    char *path = path_join(folder, "lines"), *text;
    size_t length;
    fflush(stdout);
    int keep = dup(STDOUT_FILENO);
    assert_non_null(freopen(path, "w", stdout));
    struct log *log = open_log(&(struct log_options){.lines = true, .lines_every_s = 2, .viewer_fd = -1});
    int loss = log_metric(log, &(struct metric_info){.name = "train/loss"});
    int acc = log_metric(log, &(struct metric_info){.name = "val/acc"});
    log_scalar(log, loss, 119, 0.5), log_scalar(log, loss, 120, 0.1234), log_scalar(log, acc, 120, 0.875);
    log_event(log, EVENT_CHECKPOINT, LEVEL_WARNING, 120, "saved");
    log_status(log, &(struct run_status){.state = RUN_RUNNING,
                                         .stage = STAGE_TRAIN,
                                         .step = 120,
                                         .steps = 450,
                                         .epoch = 2,
                                         .epochs = 10,
                                         .samples_per_s = 1234,
                                         .left_s = 12});
    log_close(log, RUN_DONE, 0, "");
    fflush(stdout);
    dup2(keep, STDOUT_FILENO);
    close(keep);
    assert_int_equal(path_read(&text, &length, path, 1 << 16), LT_OK);
    assert_non_null(strstr(text, "step 120 val/acc 0.875\n"));
    assert_non_null(strstr(text, "step 120 event checkpoint warning: saved\n"));
    assert_non_null(strstr(text, "step 120/450 epoch 2/10 train/loss 0.1234 img/s 1234 "));
    assert_non_null(strstr(text, "left 00:00:12\n"));
    assert_null(strstr(text, "step 120 train/loss"));
    free(text);
    free(path);
}

int main(void)
{
#define ONE(name) cmocka_unit_test_setup_teardown(name, fresh_folder, remove_folder)
    const struct CMUnitTest tests[] = {ONE(many_metrics), ONE(documents), ONE(a_full_ring_drops_and_says_so),
                                       ONE(plain_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
