/* A stored run says what the living one said: finished, killed, growing, resumed; and damaged files harm nobody. */
#include "data/base/clock.h"
#include "data/base/memory.h"
#include "data/base/path.h"
#include "engine/log/log.h"
#include "tui/feed/feed.h"
#include "tui/feed/stored.h"

#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];

static int fresh_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/stored_test_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void nap(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

/* ---- runs ---- */

static struct log *open_run(int64_t resume_step, int viewer)
{
    static const char *const parameter[] = {"stem.weight", "head.weight"};
    const struct log_run run = {.folder = folder,
                                .name = "flowers/version_0",
                                .model = "cnn",
                                .device = "cpu",
                                .precision = "32-true",
                                .config_yaml = "trainer: {max_epochs: 3, gradient_clip_val: 2, callbacks: "
                                               "[{model_checkpoint: {monitor: val/f1}}]}\ndata: {batch_size: 32}\n",
                                .parameter_name = parameter,
                                .parameters = 2,
                                .resume_step = resume_step};
    struct log *log;
    assert_int_equal(log_open(&log, &run, &(struct log_options){.hdf5 = true, .viewer_fd = viewer}), LT_OK);
    return log;
}

static int metric(struct log *log, const char *name)
{
    return log_metric(log, &(struct metric_info){.name = name, .unit = "nat", .goal = GOAL_MIN});
}

static void log_steps(struct log *log, int64_t from, int64_t to)
{
    const int loss = metric(log, "train/loss"), f1 = metric(log, "val/f1");
    for (int64_t step = from; step < to; step++) {
        log_scalar(log, loss, step, step == 77 ? (double)NAN : 1.0 / (double)step);
        if (step % 100 == 0) log_scalar(log, f1, step, step == 200 ? 0.9 : 0.5);
        if (step % 10 == 0) log_family(log, FAMILY_NORM, step, (double[]){(double)step, INFINITY});
        log_family(log, FAMILY_PHASE, step,
                   (double[SPAN_PHASES]){[SPAN_FORWARD] = 3, [SPAN_BACKWARD] = 7, [SPAN_VALIDATION] = 50});
    }
}

/* ---- a screen ---- */

struct screen {
    struct feed feed;
    struct text in;
    int fd;
    pid_t pid; /* of the reader; 0: none */
    bool gone;
};

static void start(struct screen *self, const char *path)
{
    int pair[2];
    *self = (struct screen){0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    self->fd = pair[0];
    self->pid = fork();
    if (self->pid == 0) {
        struct stored *stored;
        close(pair[0]);
        const enum lt_err err = stored_open(&stored, path);
        if (err == LT_OK) {
            stored_serve(stored, pair[1]);
            stored_free(stored);
        } else if (dprintf(pair[1], "%s", lt_message()) < 0) {
            _exit(9);
        }
        _exit(err == LT_OK ? 0 : 1);
    }
    close(pair[1]);
}

static void take(struct screen *self)
{
    size_t at = 0, length;
    const void *payload;
    enum wire_type type;
    int64_t used;
    while ((used = wire_next(self->in.bytes + at, self->in.length - at, &type, &payload, &length)) > 0) {
        assert_true(feed_apply(&self->feed, type, payload, length));
        at += (size_t)used;
    }
    memmove(self->in.bytes, self->in.bytes + at, self->in.length - at);
    self->in.length -= at;
}

static void listen_ms(struct screen *self, int ms)
{
    char bytes[65536];
    struct pollfd run = {.fd = self->fd, .events = POLLIN};
    if (self->gone || poll(&run, 1, ms) <= 0) return;
    const ssize_t count = read(self->fd, bytes, sizeof bytes);
    self->gone = count <= 0;
    if (count > 0) text_add_bytes(&self->in, bytes, (size_t)count);
    if (count > 0) take(self);
}

/* Listens until the condition holds, at most 15 s. */
#define EXPECT(screen, condition)                                                                                      \
    do {                                                                                                               \
        for (int tries = 0; !(condition) && tries < 1500; tries++) listen_ms(screen, 10);                              \
        if (!(condition)) fail_msg("never true: %s", #condition);                                                      \
    } while (0)

/* The exit status of the reader, which ends by itself when nobody listens. */
static int hang_up(struct screen *self)
{
    int status = 0;
    close(self->fd);
    if (self->pid > 0) assert_int_equal(waitpid(self->pid, &status, 0), self->pid);
    text_release(&self->in);
    feed_release(&self->feed);
    return status;
}

static const struct series *series(const struct screen *self, const char *name)
{
    static const struct series none;
    const struct series *found = feed_series(&self->feed, name);
    return found ? found : &none;
}

/* ---- the same as the socket says ---- */

static void same_points(const struct feed *stored, const struct feed *live)
{
    assert_int_equal(stored->metrics, live->metrics);
    for (size_t i = 0; i < live->metrics; i++) {
        const struct series *a = feed_series(stored, live->metric[i].name), *b = &live->metric[i].series;
        assert_non_null(a);
        assert_int_equal(a->count, b->count);
        for (size_t k = 0; k < a->count; k++) {
            assert_true(a->point[k].step == b->point[k].step && a->point[k].wall == b->point[k].wall);
            const double x = a->point[k].value, y = b->point[k].value;
            assert_true(x == y || (isnan(x) && isnan(y)));
        }
    }
}

/* On a busy machine the status comes before the rest. */
static bool is_all_told(const struct feed *stored, const struct feed *live)
{
    bool all = stored->has_status && stored->metrics == live->metrics;
    for (size_t i = 0; all && i < live->metrics; i++) {
        const struct series *told = feed_series(stored, live->metric[i].name);
        all = told && told->count >= live->metric[i].series.count;
    }
    return all;
}

static void same_events(const struct feed *stored, const struct feed *live)
{
    assert_int_equal(stored->events, live->events);
    for (size_t i = 0; i < live->events; i++) {
        const struct feed_event *a = &stored->event[i], *b = &live->event[i];
        assert_true(a->step == b->step && a->wall == b->wall && a->level == b->level);
        assert_string_equal(a->kind, b->kind);
        assert_string_equal(a->text, b->text);
    }
}

static void a_stored_run_says_what_the_living_one_said(void **state)
{
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct screen live = {.fd = pair[0]}, stored;
    struct log *log = open_run(-1, pair[1]);
    log_event(log, EVENT_START, LEVEL_INFO, 0, "häkchen");
    log_steps(log, 1, 3001);
    log_event(log, EVENT_GRADIENT, LEVEL_WARNING, 60, "large");
    log_event(log, EVENT_SETTING, LEVEL_INFO, 70, "max_epochs 3 -> 4, from step 71 on (3 is configured), by me");
    log_event(log, EVENT_SETTING, LEVEL_INFO, 70, "gradient_clip_val 2 -> 0.5, from step 71 on (2 is configured)");
    log_epoch(log, &(struct log_epoch_row){0, 0, 2000, 1, 2});
    log_status(log, &(struct run_status){.state = RUN_RUNNING, .step = 3000});
    log_event(log, EVENT_END, LEVEL_SEVERE, 3000, "over");
    log_close(log, RUN_DONE, 0, "over");
    EXPECT(&live, live.feed.ended);
    start(&stored, folder);
    EXPECT(&stored, is_all_told(&stored.feed, &live.feed));
    same_points(&stored.feed, &live.feed);
    same_events(&stored.feed, &live.feed);
    assert_true(stored.feed.hello.stored && !live.feed.hello.stored);
    assert_string_equal(stored.feed.hello.name, live.feed.hello.name);
    assert_string_equal(stored.feed.hello.folder, live.feed.hello.folder);
    const struct run_status *status = &stored.feed.status;
    assert_true(status->state == RUN_DONE && status->step == 3000 && status->steps == 8000 && status->epochs == 4);
    assert_true(status->epoch == 1 && status->batches == 2000 && status->clip_value == 0.5 && status->best == 0.9);
    assert_string_equal(status->monitor, "val/f1");
    assert_true(status->step_ms == 10 && status->phase_ms[SPAN_FORWARD] == 3 && status->samples_per_s == 3200);
    struct text out = {0};
    feed_ask(&stored.feed, &out, COMMAND_PAUSE, NULL);
    assert_int_equal(write(stored.fd, out.bytes, out.length), out.length);
    text_release(&out);
    EXPECT(&stored, stored.feed.answer[0]);
    assert_string_equal(stored.feed.answer, "not done: this is a stored run; attach steers a living one");
    uint64_t quiet = stored.feed.version;
    for (int i = 0; i < 20; i++) listen_ms(&stored, 100);
    assert_int_equal(stored.feed.version, quiet); /* nothing new, nothing said */
    hang_up(&live);
    assert_int_equal(hang_up(&stored), 0);
}

/* ---- growing, killed, resumed ---- */

static pid_t log_until_killed(void)
{
    const pid_t child = fork();
    if (child != 0) return child;
    struct log *log = open_run(-1, -1);
    log_event(log, EVENT_START, LEVEL_INFO, 0, "begun");
    log_status(log, &(struct run_status){.state = RUN_RUNNING});
    for (int64_t step = 1;; step++) {
        log_steps(log, step, step + 1);
        if (step > 150) log_scalar(log, metric(log, "late"), step, 1); /* the file is replaced by one that has it */
        nap(1);
    }
}

static void check_consecutive(const struct series *loss)
{
    for (size_t i = 0; i < loss->count; i++) assert_int_equal(loss->point[i].step, i + 1);
}

static void a_growing_run_is_followed_to_its_end(void **state)
{
    (void)state;
    struct screen screen;
    const pid_t run = log_until_killed();
    char *file = path_join(folder, "run.h5");
    for (int i = 0; i < 100 && !path_exists(file); i++) nap(20);
    start(&screen, file);
    EXPECT(&screen, series(&screen, "train/loss")->count > 100);
    const size_t before = series(&screen, "train/loss")->count;
    EXPECT(&screen, series(&screen, "train/loss")->count > before + 100);
    EXPECT(&screen, series(&screen, "grad_norm/head.weight")->count > 20);
    EXPECT(&screen, series(&screen, "late")->count > 100);
    assert_int_equal(series(&screen, "late")->point[0].step, 151);
    assert_true(screen.feed.status.state == RUN_RUNNING);
    kill(run, SIGKILL);
    waitpid(run, NULL, 0);
    EXPECT(&screen, screen.feed.status.state == RUN_KILLED);
    assert_non_null(strstr(screen.feed.status.doing, "last heartbeat 20"));
    check_consecutive(series(&screen, "train/loss"));
    assert_true(series(&screen, "train/loss")->count > 200);
    /* Resumed from step 150: what came after is superseded, here too. */
    struct log *log = open_run(150, -1);
    log_steps(log, 151, 180);
    log_close(log, RUN_STOPPED, 0, "");
    EXPECT(&screen, screen.feed.status.state == RUN_STOPPED && series(&screen, "train/loss")->count == 179);
    assert_int_equal(series(&screen, "late")->count, 0);
    check_consecutive(series(&screen, "train/loss"));
    assert_int_equal(hang_up(&screen), 0);
    free(file);
}

/* ---- damaged files ---- */

/* Reads what a file has to say until its first status or its reader's end; what it said goes to `words`. */
static void probe(const char *path, char words[512])
{
    struct screen screen;
    start(&screen, path);
    words[0] = 0;
    char first[4096];
    ssize_t count;
    for (int tries = 0; tries < 1500 && !screen.gone && !screen.feed.has_status; tries++) {
        struct pollfd run = {.fd = screen.fd, .events = POLLIN};
        if (poll(&run, 1, 10) <= 0) continue;
        count = screen.feed.has_hello ? 0 : recv(screen.fd, first, sizeof first, MSG_PEEK);
        if (count > 0 && (unsigned char)first[3] != 0) { /* no frame: a sentence */
            snprintf(words, 512, "%.*s", (int)(count < 511 ? count : 511), first);
            screen.gone = true;
        } else {
            listen_ms(&screen, 10);
        }
    }
    assert_true(screen.gone || screen.feed.has_status); /* it did not hang */
    hang_up(&screen);
}

static void write_file(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void make_log(char **bytes, size_t *length, const char *path)
{
    struct log *log = open_run(-1, -1);
    log_steps(log, 1, 1000);
    log_event(log, EVENT_END, LEVEL_INFO, 1000, "over");
    log_close(log, RUN_DONE, 0, "");
    assert_int_equal(path_read(bytes, length, path, 1 << 24), LT_OK);
}

static void files_that_are_no_log_are_told(void **state)
{
    (void)state;
    char *path = path_join(folder, "run.h5"), *bytes, words[512];
    size_t length;
    probe(folder, words);
    assert_non_null(strstr(words, "there is no"));
    make_log(&bytes, &length, path);
    probe(folder, words);
    assert_string_equal(words, "");
    for (int i = 0; i < 20; i++) {
        write_file(path, bytes, length * (size_t)i / 20);
        probe(path, words);
        assert_non_null(strstr(words, path));
    }
    probe(path, words);
    assert_non_null(strstr(words, "cut short"));
    write_file(path, "epoch,loss\n", 11);
    probe(path, words);
    assert_non_null(strstr(words, "no HDF5 file"));
    free(bytes);
    free(path);
}

/* Bytes changed at random: whatever HDF5 makes of it, the screen hears frames, a sentence or nothing more. */
static void damaged_files_harm_no_screen(void **state)
{
    (void)state;
    char *path = path_join(folder, "run.h5"), *bytes, words[512];
    size_t length;
    uint32_t random = 12345;
    make_log(&bytes, &length, path);
    for (int round = 0; round < 80; round++) {
        char *copy = memory_new(length, 1);
        memcpy(copy, bytes, length);
        for (int i = 0; i < 1 + round % 20; i++) {
            random = random * 1664525 + 1013904223;
            const size_t at = (round % 2 ? random : random % 8192) % length; /* the header every other time */
            copy[at] = (char)(random >> 24);
        }
        write_file(path, copy, length);
        probe(path, words);
        free(copy);
    }
    free(bytes);
    free(path);
}

int main(void)
{
#define ONE(name) cmocka_unit_test_setup_teardown(name, fresh_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        ONE(a_stored_run_says_what_the_living_one_said),
        ONE(a_growing_run_is_followed_to_its_end),
        ONE(files_that_are_no_log_are_told),
        ONE(damaged_files_harm_no_screen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
