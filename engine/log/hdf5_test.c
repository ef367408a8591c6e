/* run.h5: what is logged comes back, from living, killed, resumed and troubled runs. */
#include "data/base/clock.h"
#include "data/base/memory.h"
#include "data/base/path.h"
#include "engine/log/history.h"
#include "engine/log/log.h"
#include "engine/log/read.h"

#include <hdf5.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* Asked by the leak checker: HDF5 itself loses memory when closing a file fails, as on the full disk below. It is a
 * library of its own or, linked from its archive, functions of the program. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5\nleak:H5";
}

static char folder[64];

static int fresh_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/hdf5_test_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void nap(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

static const char *const parameter[] = {"stem.weight", "block.0.weight", "head.weight"};

static struct log_run a_run(int64_t resume_step)
{
    static char *argv[] = {"lathe", "fit"};
    return (struct log_run){.folder = folder,
                            .name = "flowers/version_0",
                            .model = "cnn",
                            .device = "cpu",
                            .precision = "32-true",
                            .config_yaml = "seed_everything: 7\ntrainer: {max_epochs: 3, callbacks: [a, b]}\n"
                                           "optimizer: {name: adamw, lr: 1e-3, amsgrad: false, x: null}\n",
                            .argc = 2,
                            .argv = argv,
                            .parameter_name = parameter,
                            .parameters = 3,
                            .resume_step = resume_step};
}

static struct log *open_run(const struct log_run *run)
{
    struct log *log;
    assert_int_equal(log_open(&log, run, &(struct log_options){.hdf5 = true, .viewer_fd = -1}), LT_OK);
    return log;
}

static struct run_reader *read_run(void)
{
    struct run_reader *reader = NULL;
    if (run_reader_open(&reader, folder) != LT_OK) fail_msg("%s", lt_message());
    return reader;
}

static struct wire_point *points_of(struct run_reader *reader, const char *metric, size_t *count)
{
    struct wire_point *point = NULL;
    if (run_reader_points(reader, metric, &point, count) != LT_OK) fail_msg("%s", lt_message());
    return point;
}

/* Steps first, first + 1, …, each with its own value. */
static void check_points(const char *metric, int64_t first, size_t wanted)
{
    struct run_reader *reader = read_run();
    size_t count;
    struct wire_point *point = points_of(reader, metric, &count);
    assert_int_equal(count, wanted);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(point[i].step, first + (int64_t)i);
        assert_true(point[i].value == 1.0 / (double)(point[i].step + 1));
    }
    free(point);
    run_reader_close(reader);
}

static void log_steps(struct log *log, int metric, int64_t from, int64_t to)
{
    for (int64_t step = from; step < to; step++) log_scalar(log, metric, step, 1.0 / (double)(step + 1));
}

/* How many events have this text (any kind); the last one's kind goes to *kind. */
static int events_with(const char *text, enum event_kind *kind)
{
    struct run_reader *reader = read_run();
    struct history_event *event;
    size_t count;
    int found = 0;
    assert_int_equal(run_reader_events(reader, 0, &event, &count), LT_OK);
    for (size_t i = 0; i < count; i++) {
        if (strstr(event[i].text, text)) *kind = event[i].kind, found++;
        free(event[i].text);
    }
    free(event);
    run_reader_close(reader);
    return found;
}

static void what_is_logged_comes_back(void **state)
{
    (void)state;
    enum { STEPS = 5000 };
    struct log_run run = a_run(-1);
    struct log *log = open_run(&run);
    int loss = log_metric(log, &(struct metric_info){.name = "train/loss", .unit = "nat", .goal = GOAL_MIN});
    int acc = log_metric(log, &(struct metric_info){.name = "val/acc", .goal = GOAL_MAX});
    log_steps(log, loss, 0, STEPS);
    log_scalar(log, acc, 10, 0.5), log_scalar(log, acc, 20, 0.75);
    log_scalar(log, acc, 30, NAN), log_scalar(log, acc, 40, INFINITY), log_scalar(log, acc, 50, 0.25);
    log_event(log, EVENT_CHECKPOINT, LEVEL_WARNING, 7, "saved in 100 µs");
    log_epoch(log, &(struct log_epoch_row){0, 0, STEPS, 1, 2});
    log_status(log, &(struct run_status){.state = RUN_RUNNING, .step = STEPS});
    log_close(log, RUN_DONE, 0, "");
    check_points("train/loss", 0, STEPS);
    struct run_reader *reader = read_run();
    const struct run_facts *facts = run_reader_facts(reader);
    assert_string_equal(facts->name, "flowers/version_0");
    assert_string_equal(facts->state, "done");
    assert_int_equal(facts->last_step, STEPS);
    assert_true(clock_wall() - facts->heartbeat < 60 && facts->created <= facts->heartbeat);
    struct metric_info info;
    double best;
    int64_t step;
    assert_int_equal(run_reader_metrics(reader), 2);
    assert_string_equal(run_reader_metric(reader, 1), "val/acc");
    assert_true(run_reader_info(reader, "train/loss", &info));
    assert_string_equal(info.unit, "nat");
    assert_true(run_reader_best(reader, "val/acc", &best, &step));
    assert_true(best == 0.75 && step == 20);
    assert_true(run_reader_best(reader, "train/loss", &best, &step));
    assert_int_equal(step, STEPS - 1);
    size_t count;
    struct wire_point *point = points_of(reader, "val/acc", &count);
    assert_true(count == 5 && isnan(point[2].value) && isinf(point[3].value));
    free(point);
    assert_false(run_reader_best(reader, "no/such", &best, &step));
    run_reader_close(reader);
    enum event_kind kind = EVENT_END;
    assert_int_equal(events_with("saved in 100 µs", &kind), 1);
    assert_int_equal(kind, EVENT_CHECKPOINT);
}

static ino_t inode(void)
{
    char path[80];
    struct stat st;
    snprintf(path, sizeof path, "%s/run.h5", folder);
    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

/* The file need not be made anew for metrics that are known when it is opened; others are told of. */
static void known_metrics_have_their_places(void **state)
{
    (void)state;
    const struct metric_info known = {.name = "train/loss", .unit = "nat", .description = ""};
    struct log_run run = a_run(-1);
    run.metric = &known, run.metrics = 1;
    struct log *log = open_run(&run);
    const ino_t first = inode();
    struct run_reader *reader = read_run();
    assert_int_equal(run_reader_metrics(reader), 1);
    run_reader_close(reader);
    log_steps(log, log_metric(log, &known), 0, 100);
    nap(300);
    log_flush(log);
    assert_true(inode() == first);
    log_steps(log, log_metric(log, &(struct metric_info){.name = "late"}), 0, 100);
    log_close(log, RUN_DONE, 0, "");
    assert_true(inode() != first);
    check_points("train/loss", 0, 100);
    check_points("late", 0, 100);
    enum event_kind kind = EVENT_END;
    assert_int_equal(events_with("late", &kind), 1);
    assert_int_equal(kind, EVENT_NEW_METRIC);
    assert_int_equal(events_with("train/loss", &kind), 0);
}

static void a_metric_may_come_late(void **state)
{
    (void)state;
    struct log_run run = a_run(-1);
    struct log *log = open_run(&run);
    int loss = log_metric(log, &(struct metric_info){.name = "train/loss"});
    log_steps(log, loss, 0, 1000);
    log_flush(log);
    int late = log_metric(log, &(struct metric_info){.name = "late"});
    log_steps(log, late, 0, 300);
    log_steps(log, loss, 1000, 1500);
    nap(1500);
    log_steps(log, late, 300, 400);
    log_close(log, RUN_DONE, 0, "");
    check_points("train/loss", 0, 1500);
    check_points("late", 0, 400);
    enum event_kind kind = EVENT_END;
    assert_int_equal(events_with("late", &kind), 1);
    assert_int_equal(kind, EVENT_NEW_METRIC);
}

/* A child logs every millisecond until it is killed. */
static pid_t log_until_killed(void)
{
    pid_t child = fork();
    if (child != 0) return child;
    struct log_run run = a_run(-1);
    struct log *log;
    if (log_open(&log, &run, &(struct log_options){.hdf5 = true, .viewer_fd = -1}) != LT_OK) _exit(1);
    int loss = log_metric(log, &(struct metric_info){.name = "train/loss"});
    for (int64_t step = 0;; step++) {
        log_scalar(log, loss, step, 1.0 / (double)(step + 1));
        log_family(log, FAMILY_NORM, step, (double[]){1, 2, 3});
        nap(1);
    }
}

static void a_killed_run_keeps_what_is_older_than_two_seconds(void **state)
{
    (void)state;
    pid_t child = log_until_killed();
    nap(3000);
    size_t alive, count;
    struct run_reader *reader = read_run();
    free(points_of(reader, "train/loss", &alive));
    assert_true(alive > 500 && clock_wall() - run_reader_facts(reader)->heartbeat < 3);
    run_reader_close(reader);
    nap(1700);
    double killed = clock_wall();
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    reader = read_run();
    struct wire_point *point = points_of(reader, "train/loss", &count);
    assert_true(count > alive);
    assert_true(count > 1000);
    assert_true(killed - point[count - 1].wall < 2);
    for (size_t i = 0; i < count; i++) assert_int_equal(point[i].step, i);
    assert_string_equal(run_reader_facts(reader)->state, "starting"); /* nobody told it more */
    free(point);
    run_reader_close(reader);
    /* Going on from step 500: what came after is superseded. */
    struct log_run run = a_run(500);
    struct log *log = open_run(&run);
    int loss = log_metric(log, &(struct metric_info){.name = "train/loss"});
    log_steps(log, loss, 501, 800);
    log_close(log, RUN_DONE, 0, "");
    check_points("train/loss", 0, 800);
    reader = read_run();
    assert_int_equal(run_reader_facts(reader)->resumes, 1);
    assert_string_equal(run_reader_facts(reader)->state, "done");
    run_reader_close(reader);
}

static void two_writers_are_one_too_many(void **state)
{
    (void)state;
    struct log_run run = a_run(-1);
    struct log *first = open_run(&run), *second = open_run(&run);
    int metric = log_metric(first, &(struct metric_info){.name = "train/loss"});
    int other = log_metric(second, &(struct metric_info){.name = "train/loss"});
    log_steps(second, other, 0, 10);
    log_steps(first, metric, 0, 100);
    log_close(second, RUN_DONE, 0, "");
    log_close(first, RUN_DONE, 0, "");
    check_points("train/loss", 0, 100);
    char *lock = path_join(folder, "run.lock");
    assert_false(path_exists(lock));
    free(lock);
}

static void a_folder_that_cannot_be_written_stops_nothing(void **state)
{
    (void)state;
    struct log_run run = a_run(-1);
    run.folder = "/proc/no/such/folder"; /* nor can root make it */
    struct log *log = open_run(&run);
    log_steps(log, log_metric(log, &(struct metric_info){.name = "train/loss"}), 0, 10);
    log_flush(log);
    log_close(log, RUN_DONE, 0, "");
}

static void a_full_disk_delays_rows_only(void **state)
{
    (void)state;
    struct rlimit limit, small;
    struct log_run run = a_run(-1);
    struct log *log = open_run(&run);
    int loss = log_metric(log, &(struct metric_info){.name = "train/loss"});
    log_steps(log, loss, 0, 2000);
    log_flush(log);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = (struct rlimit){.rlim_cur = 150000, .rlim_max = limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 2; i < 20; i++) {
        log_steps(log, loss, i * 1000, i * 1000 + 1000);
        log_flush(log);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    log_steps(log, loss, 20000, 20010); /* here the trouble of before becomes an event */
    log_flush(log);
    log_close(log, RUN_DONE, 0, "");
    check_points("train/loss", 0, 20010);
    enum event_kind kind = EVENT_END;
    assert_true(events_with("numbers wait in memory", &kind) >= 1);
}

static void other_parameters_get_a_block_of_their_own(void **state)
{
    (void)state;
    struct log_run run = a_run(-1);
    struct log *log = open_run(&run);
    log_family(log, FAMILY_NORM, 5, (double[]){1, 2, 3});
    log_close(log, RUN_STOPPED, 0, "");
    run = a_run(10);
    run.parameters = 2;
    log = open_run(&run);
    log_family(log, FAMILY_NORM, 11, (double[]){1, 2});
    log_close(log, RUN_DONE, 0, "");
    char command[256];
    snprintf(command, sizeof command, "grep -qa 'grad_norm.2' %s/run.h5", folder);
    assert_int_equal(system(command), 0);
}

static void a_damaged_file_is_set_aside(void **state)
{
    (void)state;
    char *path = path_join(folder, "run.h5");
    assert_int_equal(path_write_atomic(path, "no HDF5 at all", 14), LT_OK);
    struct run_reader *reader = NULL;
    assert_int_not_equal(run_reader_open(&reader, folder), LT_OK);
    assert_non_null(strstr(lt_message(), path));
    struct log_run run = a_run(3);
    struct log *log = open_run(&run);
    log_steps(log, log_metric(log, &(struct metric_info){.name = "train/loss"}), 4, 10);
    nap(200);
    log_status(log, &(struct run_status){.step = 9});
    log_close(log, RUN_DONE, 0, "");
    check_points("train/loss", 4, 6);
    enum event_kind kind = EVENT_END;
    assert_int_equal(events_with("it is kept as", &kind), 1);
    free(path);
}

static void files_of_other_programs_are_told(void **state)
{
    (void)state;
    char *path = path_join(folder, "other.h5");
    struct run_reader *reader = NULL;
    hid_t other = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(other >= 0 && H5Fclose(other) >= 0);
    assert_int_equal(run_reader_open(&reader, path), LT_EFORMAT);
    assert_non_null(strstr(lt_message(), "other.h5 was written by another program"));
    free(path);
}

int main(void)
{
#define ONE(name) cmocka_unit_test_setup_teardown(name, fresh_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        ONE(what_is_logged_comes_back),    ONE(known_metrics_have_their_places),
        ONE(a_metric_may_come_late),       ONE(a_killed_run_keeps_what_is_older_than_two_seconds),
        ONE(two_writers_are_one_too_many), ONE(a_folder_that_cannot_be_written_stops_nothing),
        ONE(a_full_disk_delays_rows_only), ONE(other_parameters_get_a_block_of_their_own),
        ONE(a_damaged_file_is_set_aside),  ONE(files_of_other_programs_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
