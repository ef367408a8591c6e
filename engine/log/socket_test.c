/* Screens on the run's socket: one that listens, one that never reads, one that talks nonsense. */
#include "data/base/clock.h"
#include "data/base/memory.h"
#include "data/base/path.h"
#include "engine/log/control.h"
#include "engine/log/log.h"
#include "engine/log/wire.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { TYPES = WIRE_COMMAND + 1, METRICS_MAX = 64 };

/* What a screen has understood so far. */
struct screen {
    int fd;
    struct text in;
    int frames[TYPES];
    json_t *last[TYPES];
    char *metric[METRICS_MAX];
    size_t points[METRICS_MAX];
    struct wire_point *point[METRICS_MAX];
    bool gone;
};

static char folder[] = "/tmp/socket_test_XXXXXX";
static char *socket_path;

static int dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void take_points(struct screen *self, const void *payload, size_t length)
{
    uint32_t id;
    size_t count;
    assert_true(wire_get_points(payload, length, &id, NULL, 0, &count));
    assert_true(id < METRICS_MAX && self->metric[id]);
    self->point[id] = memory_resize(self->point[id], self->points[id] + count, sizeof *self->point[id]);
    assert_true(wire_get_points(payload, length, &id, self->point[id] + self->points[id], count, &count));
    self->points[id] += count;
}

static void take_frame(struct screen *self, enum wire_type type, const void *payload, size_t length)
{
    if (self->frames[WIRE_HELLO] == 0) assert_int_equal(type, WIRE_HELLO);
    self->frames[type]++;
    if (type == WIRE_POINTS) {
        take_points(self, payload, length);
        return;
    }
    json_t *json = wire_get_json(payload, length);
    assert_non_null(json);
    if (type == WIRE_METRIC) {
        json_int_t id = json_integer_value(json_object_get(json, "id"));
        assert_in_range(id, 0, METRICS_MAX - 1);
        self->metric[id] = memory_text(json_string_value(json_object_get(json, "name")));
    }
    json_decref(self->last[type]);
    self->last[type] = json;
}

/* Reads whatever comes until `type` has come `wanted` times, the run hangs up or 5 s passed. */
static void listen_for(struct screen *self, enum wire_type type, int wanted)
{
    char bytes[65536];
    struct timeval patience = {.tv_usec = 100000};
    setsockopt(self->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    int64_t give_up = clock_ns() + 5 * (int64_t)1000000000;
    while (!self->gone && self->frames[type] < wanted && clock_ns() < give_up) {
        ssize_t count = recv(self->fd, bytes, sizeof bytes, 0);
        if (count == 0) self->gone = true;
        if (count > 0) text_add_bytes(&self->in, bytes, (size_t)count);
        size_t done = 0, length;
        const void *payload;
        enum wire_type got;
        int64_t frame;
        while ((frame = wire_next(self->in.bytes + done, self->in.length - done, &got, &payload, &length)) > 0) {
            take_frame(self, got, payload, length);
            done += (size_t)frame;
        }
        assert_true(frame == 0);
        if (done) memmove(self->in.bytes, self->in.bytes + done, self->in.length - done);
        self->in.length -= done;
    }
}

static void listen_for_points(struct screen *self, int metric, size_t wanted)
{
    for (int before = -1; self->points[metric] < wanted && before != self->frames[WIRE_POINTS];) {
        before = self->frames[WIRE_POINTS];
        listen_for(self, WIRE_POINTS, before + 1);
    }
}

static void hang_up(struct screen *self)
{
    close(self->fd);
    text_release(&self->in);
    for (int i = 0; i < TYPES; i++) json_decref(self->last[i]);
    for (int i = 0; i < METRICS_MAX; i++) free(self->metric[i]), free(self->point[i]);
}

static struct log *open_log_with(const struct log_options *options)
{
    static const char *const parameter[] = {"stem.weight", "head.weight"};
    struct log *log;
    struct log_run run = {.folder = folder,
                          .name = "test/version_0",
                          .model = "cnn",
                          .device = "cpu",
                          .precision = "32",
                          .config_yaml = "",
                          .parameter_name = parameter,
                          .parameters = 2,
                          .resume_step = -1};
    assert_int_equal(log_open(&log, &run, options), LT_OK);
    return log;
}

static struct log *open_log(struct mailbox *mailbox, int viewer_fd)
{
    return open_log_with(&(struct log_options){.viewer_fd = viewer_fd, .socket_path = socket_path, .mailbox = mailbox});
}

static void remove_log(void)
{
    char *path = path_join(folder, "run.h5"), *documents = path_join(folder, "documents");
    unlink(path);
    rmdir(documents);
    free(path), free(documents);
}

static void ask(int fd, const char *json)
{
    struct text out = {0};
    wire_put(&out, WIRE_COMMAND, json, strlen(json));
    assert_int_equal(send(fd, out.bytes, out.length, MSG_NOSIGNAL), out.length);
    text_release(&out);
}

static const char *word(const struct screen *self, enum wire_type type, const char *key)
{
    return json_string_value(json_object_get(self->last[type], key));
}

static void a_late_screen_sees_everything(void **state)
{
    (void)state;
    enum { STEPS = 20000 };
    struct log *log = open_log(NULL, -1);
    int loss = log_metric(log, &(struct metric_info){.name = "train/loss", .goal = GOAL_MIN});
    for (int i = 0; i < STEPS; i++) {
        log_scalar(log, loss, i, 1.0 / (i + 1));
        if (i % 1000 == 0) log_family(log, FAMILY_NORM, i, (double[]){i, 2 * i});
    }
    log_event(log, EVENT_NOTE, LEVEL_WARNING, 7, "a name that is no UTF-8: \xc3\xa4\xff");
    log_status(log, &(struct run_status){.state = RUN_RUNNING, .step = STEPS, .steps = 99999});
    struct screen screen = {.fd = dial()};
    listen_for(&screen, WIRE_STATUS, 1);
    listen_for_points(&screen, 0, STEPS);
    log_close(log, RUN_DONE, 0, "all is well");
    listen_for(&screen, WIRE_BYE, 1);
    assert_string_equal(word(&screen, WIRE_HELLO, "model"), "cnn");
    assert_string_equal(screen.metric[0], "train/loss");
    assert_int_equal(screen.points[0], STEPS);
    for (int i = 0; i < STEPS; i++)
        assert_true(screen.point[0][i].step == i && screen.point[0][i].value == 1.0 / (i + 1));
    assert_string_equal(screen.metric[2], "grad_norm/head.weight");
    assert_int_equal(screen.points[2], 20);
    assert_true(screen.point[2][19].value == 38000);
    assert_string_equal(word(&screen, WIRE_EVENT, "text"), "a name that is no UTF-8: \xc3\xa4?");
    assert_int_equal(json_integer_value(json_object_get(screen.last[WIRE_STATUS], "steps")), 99999);
    assert_string_equal(word(&screen, WIRE_BYE, "sentence"), "all is well");
    assert_false(path_exists(socket_path));
    hang_up(&screen);
}

static void commands_reach_the_mailbox(void **state)
{
    (void)state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct mailbox *mailbox = mailbox_new();
    struct log *log = open_log(mailbox, pair[1]);
    struct screen first = {.fd = pair[0]}, second = {.fd = dial()};
    struct stat st;
    assert_int_equal(stat(socket_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    ask(second.fd, "{\"request\": 5, \"command\": \"pause\"}");
    mailbox_wait(mailbox, 5);
    struct request request;
    char who[64];
    snprintf(who, sizeof who, ", pid %ld, ", (long)getpid());
    assert_true(mailbox_take(mailbox, &request));
    assert_int_equal(request.command, COMMAND_PAUSE);
    assert_true(strncmp(request.who, "viewer 2 (", 10) == 0 && strstr(request.who, who));
    log_answer(log, request.id, true, 41, "paused");
    listen_for(&second, WIRE_ANSWER, 1);
    assert_int_equal(json_integer_value(json_object_get(second.last[WIRE_ANSWER], "request")), 5);
    ask(second.fd, "{\"request\": 6, \"command\": \"dance\", \"argument\": null}");
    listen_for(&second, WIRE_ANSWER, 2);
    assert_true(json_is_false(json_object_get(second.last[WIRE_ANSWER], "done")));
    ask(second.fd, "{\"request\": 7, \"command\": \"set\", \"argument\": \"lr*0.5\"}");
    mailbox_wait(mailbox, 5);
    assert_true(mailbox_take(mailbox, &request));
    assert_int_equal(request.command, COMMAND_SET);
    assert_string_equal(request.argument, "lr*0.5");
    static const char *const misfits[] = {"{\"request\": 8, \"command\": \"set\"}",
                                          "{\"request\": 8, \"command\": \"set\", \"argument\": null}",
                                          "{\"request\": 8, \"command\": \"pause\", \"argument\": \"now\"}"};
    static const char *const why[] = {"needs an argument", "needs an argument", "takes no argument"};
    for (int i = 0; i < 3; i++) {
        ask(second.fd, misfits[i]);
        listen_for(&second, WIRE_ANSWER, 3 + i);
        assert_true(json_is_false(json_object_get(second.last[WIRE_ANSWER], "done")));
        assert_non_null(strstr(word(&second, WIRE_ANSWER, "text"), why[i]));
    }
    assert_false(mailbox_take(mailbox, &request));
    log_close(log, RUN_STOPPED, 0, "");
    listen_for(&first, WIRE_BYE, 1);
    assert_int_equal(first.frames[WIRE_BYE], 1);
    assert_int_equal(first.frames[WIRE_ANSWER], 0);
    hang_up(&first);
    hang_up(&second);
    mailbox_free(mailbox);
}

static void nonsense_ends_that_connection_only(void **state)
{
    (void)state;
    static const char large[8000] = {0, 0, 2, 0, WIRE_COMMAND};
    static const struct {
        const char *bytes;
        size_t length;
    } nonsense[] = {
        {"GET / HTTP/1.1\r\n\r\n", 18},
        {"\xff\xff\xff\xff\x09", 5},                                   /* 4 GB of command */
        {large, sizeof large},                                         /* 128 KB of command */
        {"\x02\x00\x00\x00\x09[]", 7},                                 /* no object */
        {"\x02\x00\x00\x00\x09{}", 7},                                 /* nothing in it */
        {"\x02\x00\x00\x00\x01{}", 7},                                 /* a frame only runs send */
        {"\x03\x00\x00\x00\x09\x00\xff{", 8},                          /* no JSON */
        {"\x1b\x00\x00\x00\x09{\"request\":0,\"command\":\"x\"}", 32}, /* request 0 */
    };
    struct mailbox *mailbox = mailbox_new();
    struct log *log = open_log(mailbox, -1);
    struct screen good = {.fd = dial()};
    listen_for(&good, WIRE_HELLO, 1);
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        struct screen bad = {.fd = dial()};
        assert_int_equal(send(bad.fd, nonsense[i].bytes, nonsense[i].length, MSG_NOSIGNAL), nonsense[i].length);
        listen_for(&bad, WIRE_BYE, 1);
        assert_true(bad.gone);
        hang_up(&bad);
    }
    struct request request;
    assert_false(mailbox_take(mailbox, &request));
    ask(good.fd, "{\"request\": 1, \"command\": \"checkpoint\"}");
    mailbox_wait(mailbox, 5);
    assert_true(mailbox_take(mailbox, &request));
    log_close(log, RUN_DONE, 0, "");
    hang_up(&good);
    mailbox_free(mailbox);
}

/* The longest argument passes; one byte more, what is no text, no single line or said twice ends the connection. */
static void arguments_are_checked(void **state)
{
    (void)state;
    static char longest[400], too_long[400];
    int used = snprintf(longest, sizeof longest, "{\"request\": 1, \"command\": \"set\", \"argument\": \"");
    memset(longest + used, 'x', CONTROL_ARGUMENT_MAX);
    memcpy(too_long, longest, sizeof too_long);
    memcpy(longest + used + CONTROL_ARGUMENT_MAX - 1, "\"}", 3);
    memcpy(too_long + used + CONTROL_ARGUMENT_MAX, "\"}", 3);
    const char *const nonsense[] = {
        too_long,
        "{\"request\": 1, \"command\": \"set\", \"argument\": \"\"}",
        "{\"request\": 1, \"command\": \"set\", \"argument\": 3}",
        "{\"request\": 1, \"command\": \"set\", \"argument\": [\"lr=1\"]}",
        "{\"request\": 1, \"command\": \"set\", \"argument\": \"lr=1\\n\"}",
        "{\"request\": 1, \"command\": \"set\", \"argument\": \"lr=1\\u0000\"}",
        "{\"request\": 1, \"command\": \"set\", \"argument\": \"\\u001b[2J\"}",
        "{\"request\": 1, \"command\": \"set\", \"argument\": \"\\u009b2J\"}",
        "{\"request\": 1, \"command\": \"set\", \"argument\": \"lr=1\", \"argument\": \"lr=2\"}",
        "{\"request\": 1, \"command\": \"set\", \"argument\": \"lr=1\", \"more\": 1}",
        "{\"request\": 1, \"command\": \"set\", \"more\": \"lr=1\"}",
    };
    struct mailbox *mailbox = mailbox_new();
    struct log *log = open_log(mailbox, -1);
    struct request request;
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        struct screen bad = {.fd = dial()};
        ask(bad.fd, nonsense[i]);
        listen_for(&bad, WIRE_BYE, 1);
        assert_true(bad.gone);
        hang_up(&bad);
        assert_false(mailbox_take(mailbox, &request));
    }
    struct screen good = {.fd = dial()};
    ask(good.fd, longest);
    mailbox_wait(mailbox, 5);
    assert_true(mailbox_take(mailbox, &request));
    assert_int_equal(strlen(request.argument), CONTROL_ARGUMENT_MAX - 1);
    log_close(log, RUN_DONE, 0, "");
    hang_up(&good);
    mailbox_free(mailbox);
}

static void one_that_never_reads_delays_nobody(void **state)
{
    (void)state;
    enum { STEPS = 200000 };
    struct mailbox *mailbox = mailbox_new();
    struct log *log = open_log(mailbox, -1);
    int deaf = dial(), loss = log_metric(log, &(struct metric_info){.name = "train/loss"});
    struct screen good = {.fd = dial()};
    for (int i = 0; i < STEPS; i++) {
        log_scalar(log, loss, i, i);
        if (i % 20000 == 19999) listen_for_points(&good, 0, (size_t)i + 1); /* so that the ring never overflows */
    }
    log_event(log, EVENT_END, LEVEL_INFO, STEPS, "enough");
    listen_for(&good, WIRE_EVENT, 1);
    int64_t begin = clock_ns();
    log_close(log, RUN_DONE, 0, "");
    assert_true(clock_ns() - begin < 4 * (int64_t)1000000000);
    listen_for(&good, WIRE_BYE, 1);
    assert_int_equal(good.frames[WIRE_BYE], 1);
    assert_int_equal(good.points[0], STEPS);
    hang_up(&good);
    close(deaf);
    mailbox_free(mailbox);
}

static void a_dead_socket_is_replaced_a_live_one_is_not(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0), pair[2];
    assert_int_equal(bind(dead, (struct sockaddr *)&address, sizeof address), 0);
    close(dead);
    struct log *log = open_log(NULL, -1);
    struct screen screen = {.fd = dial()};
    listen_for(&screen, WIRE_HELLO, 1);
    assert_int_equal(screen.frames[WIRE_HELLO], 1);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct log *other = open_log(NULL, pair[1]);
    struct screen parent = {.fd = pair[0]};
    listen_for(&parent, WIRE_EVENT, 1);
    assert_non_null(strstr(word(&parent, WIRE_EVENT, "text"), "another run already answers"));
    log_close(other, RUN_DONE, 0, "");
    assert_true(path_exists(socket_path));
    log_close(log, RUN_DONE, 0, "");
    hang_up(&screen);
    hang_up(&parent);
}

static void *close_log(void *log)
{
    log_close(log, RUN_DONE, 0, "all is well");
    return NULL;
}

/* A script that stops a run and then reads what it wrote shall not find half of it: a document that takes a while. */
static void who_hears_of_the_end_finds_everything(void **state)
{
    (void)state;
    enum { BYTES = 64 << 20 };
    struct log *log = open_log_with(&(struct log_options){.hdf5 = true, .viewer_fd = -1, .socket_path = socket_path});
    struct screen screen = {.fd = dial()};
    listen_for(&screen, WIRE_HELLO, 1);
    char *large = memory_new(BYTES, 1);
    memset(large, 'x', BYTES);
    log_document(log, "large", json_pack("[s#]", large, (int)BYTES));
    free(large);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, close_log, log), 0);
    listen_for(&screen, WIRE_BYE, 1);
    assert_int_equal(screen.frames[WIRE_BYE], 1);
    char *documents = path_join(folder, "documents"), *path = path_join(documents, "large.json");
    assert_int_equal(unlink(path), 0);
    pthread_join(thread, NULL);
    hang_up(&screen);
    remove_log();
    free(documents), free(path);
}

static void a_resumed_run_remembers(void **state)
{
    (void)state;
    struct log_run run = {.folder = folder,
                          .name = "n",
                          .model = "m",
                          .device = "d",
                          .precision = "p",
                          .config_yaml = "",
                          .resume_step = -1};
    struct log_options options = {.hdf5 = true, .viewer_fd = -1, .socket_path = socket_path};
    struct log *log;
    for (int part = 0; part < 2; part++) { /* steps 0 … 99; from 61 to 109 again after the checkpoint of step 60 */
        assert_int_equal(log_open(&log, &run, &options), LT_OK);
        log_metric(log, &(struct metric_info){.name = "lr"});
        int loss = log_metric(log, &(struct metric_info){.name = "train/loss"});
        for (int i = part ? 61 : 0; i < (part ? 110 : 100); i++) log_scalar(log, loss, i, 1000 * part + i);
        log_event(log, EVENT_NOTE, LEVEL_INFO, 60, "part %d", part);
        if (part == 0) log_close(log, RUN_STOPPED, 0, "");
        run.resume_step = 60;
    }
    struct screen screen = {.fd = dial()};
    listen_for(&screen, WIRE_EVENT, 2);
    log_close(log, RUN_DONE, 0, "");
    listen_for(&screen, WIRE_BYE, 1);
    int id = strcmp(screen.metric[0], "train/loss") == 0 ? 0 : 1;
    assert_string_equal(screen.metric[id], "train/loss");
    assert_int_equal(screen.frames[WIRE_METRIC], 2);
    assert_int_equal(screen.points[id], 110);
    for (int i = 0; i < 110; i++)
        assert_true(screen.point[id][i].step == i && screen.point[id][i].value == (i > 60 ? 1000 : 0) + i);
    assert_int_equal(screen.frames[WIRE_EVENT], 2);
    hang_up(&screen);
    remove_log();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_late_screen_sees_everything),
        cmocka_unit_test(commands_reach_the_mailbox),
        cmocka_unit_test(nonsense_ends_that_connection_only),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(one_that_never_reads_delays_nobody),
        cmocka_unit_test(a_dead_socket_is_replaced_a_live_one_is_not),
        cmocka_unit_test(who_hears_of_the_end_finds_everything),
        cmocka_unit_test(a_resumed_run_remembers),
    };
    if (!mkdtemp(folder)) return 1;
    socket_path = path_join(folder, "run.sock");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(folder);
    free(socket_path);
    return failed;
}
