/* A training that is told to change its learning rate: which steps had which rate, by its log; and the same again after
 * a resume from a checkpoint in between. */
#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/digits/unpack.h"
#include "engine/engine.h"
#include "engine/log/control.h"
#include "engine/log/read.h"
#include "engine/log/wire.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { STEPS = 30 };
static const double base = 0.003, pi = 3.14159265358979323846;

/* A run in a thread of its own; the test is its screen. */
struct training {
    struct config *config;
    struct run *run;
    pthread_t thread;
    enum lt_err end;
    int fd, viewer_fd; /* this end, the run's */
    int asked;
    struct text in;
};

static void *fit(void *context)
{
    struct training *self = context;
    struct run_io io = {.viewer_fd = self->viewer_fd};
    self->end = run_fit(self->run, &io);
    return NULL;
}

/* checkpoint, folder: where to go on, or NULL. The first command waits at the run's door before it starts. */
static void start(struct training *self, const char *checkpoint, const char *folder)
{
    static char *files[] = {"demo/digits.yaml"};
    static char *overrides[] = {"trainer.max_epochs",
                                "3",
                                "trainer.limit_train_batches",
                                "10",
                                "optimizer.lr",
                                "3e-3",
                                "lr_scheduler",
                                "{name: cosine_annealing, interval: step}"};
    int pair[2];
    *self = (struct training){0};
    assert_int_equal(config_read(&self->config, files, 1, overrides, 4), LT_OK);
    struct run_request request = {.verb = RUN_FIT, .config = self->config, .checkpoint = checkpoint, .folder = folder};
    assert_int_equal(run_prepare(&self->run, &request), LT_OK);
    assert_int_equal(run_make_folder(self->run), LT_OK);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    self->fd = pair[0];
    self->viewer_fd = pair[1];
}

static void ask(struct training *self, enum control command, const char *argument)
{
    struct text out = {0};
    wire_put_json(&out, WIRE_COMMAND,
                  json_pack("{s:i, s:s, s:s*}", "request", ++self->asked, "command", control_name(command), "argument",
                            argument));
    assert_int_equal(send(self->fd, out.bytes, out.length, MSG_NOSIGNAL), out.length);
    text_release(&out);
}

/* Reads frames until the answer to the newest question came, and returns it. */
static json_t *answer(struct training *self)
{
    char bytes[65536];
    for (;;) {
        enum wire_type type;
        const void *payload;
        size_t length;
        const int64_t frame = wire_next(self->in.bytes, self->in.length, &type, &payload, &length);
        assert_true(frame >= 0);
        if (frame == 0) {
            const ssize_t count = recv(self->fd, bytes, sizeof bytes, 0);
            assert_true(count > 0);
            text_add_bytes(&self->in, bytes, (size_t)count);
            continue;
        }
        json_t *json = type == WIRE_ANSWER ? wire_get_json(payload, length) : NULL;
        self->in.length -= (size_t)frame;
        memmove(self->in.bytes, self->in.bytes + frame, self->in.length);
        if (json && json_integer_value(json_object_get(json, "request")) == self->asked) return json;
        json_decref(json);
    }
}

/* The step at which the command was obeyed; it must be, and say so with these words. */
static int64_t tell(struct training *self, enum control command, const char *argument, const char *words)
{
    ask(self, command, argument);
    if (self->asked == 1) assert_int_equal(pthread_create(&self->thread, NULL, fit, self), 0);
    json_t *json = answer(self);
    const char *text = json_string_value(json_object_get(json, "text"));
    const int64_t step = json_integer_value(json_object_get(json, "step"));
    if (!json_is_true(json_object_get(json, "done")) || !strstr(text, words)) fail_msg("'%s', not '%s'", text, words);
    json_decref(json);
    return step;
}

static void finish(struct training *self)
{
    char bytes[65536];
    while (recv(self->fd, bytes, sizeof bytes, 0) > 0) continue;
    assert_int_equal(pthread_join(self->thread, NULL), 0);
    assert_int_equal(self->end, LT_OK);
    close(self->fd);
    text_release(&self->in);
    run_free(self->run);
    config_free(self->config);
}

/* The rates of steps 1 … STEPS, by run.h5. */
static void read_rates(double rate[STEPS + 1], const char *folder)
{
    struct run_reader *reader;
    struct wire_point *point;
    size_t count;
    assert_int_equal(run_reader_open(&reader, folder), LT_OK);
    assert_int_equal(run_reader_points(reader, "lr", &point, &count), LT_OK);
    assert_int_equal(count, STEPS);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(point[i].step, i + 1);
        rate[i + 1] = point[i].value;
    }
    free(point);
    run_reader_close(reader);
}

/* CosineAnnealingLR's closed form before the update of a step. */
static double cosine(int64_t step)
{
    return base * (1 + cos(pi * (double)(step - 1) / STEPS)) / 2;
}

static void expect_rates(const double rate[STEPS + 1], int64_t first, int64_t last, double factor)
{
    for (int64_t step = first; step <= last; step++) assert_true(fabs(rate[step] / cosine(step) / factor - 1) < 1e-12);
}

static void a_rate_set_by_hand_holds(void **state)
{
    (void)state;
    struct training training;
    double rate[STEPS + 1], again[STEPS + 1];
    char name[64];
    start(&training, NULL, NULL);
    char *folder = memory_text(run_folder(training.run));
    const int64_t paused = tell(&training, COMMAND_PAUSE, NULL, "paused");
    assert_in_range(paused, 0, STEPS - 2);
    tell(&training, COMMAND_SET, "lr=7e-4", "-> 0.0007, from step");
    tell(&training, COMMAND_SET, "lr*0.5", "lr 0.0007 -> 0.00035, from step");
    assert_int_equal(tell(&training, COMMAND_CHECKPOINT, NULL, "saved"), paused);
    tell(&training, COMMAND_RESUME, NULL, "running");
    finish(&training);
    read_rates(rate, folder);
    expect_rates(rate, 1, paused, 1);
    expect_rates(rate, paused + 1, STEPS, 3.5e-4 / cosine(paused + 1));

    snprintf(name, sizeof name, "checkpoints/step=%lld.ckpt", (long long)paused);
    char *checkpoint = path_join(folder, name);
    start(&training, checkpoint, folder);
    const int64_t undone = tell(&training, COMMAND_SET, "lr=undo", "from step");
    assert_in_range(undone, paused, STEPS - 1);
    finish(&training);
    read_rates(again, folder);
    assert_memory_equal(again + 1, rate + 1, (size_t)undone * sizeof *rate);
    expect_rates(again, undone + 1, STEPS, 7e-4 / cosine(paused + 1));
    free(checkpoint);
    free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_rate_set_by_hand_holds)};
    char folder[] = "/tmp/control_test_XXXXXX", command[64];
    bool written;
    size_t length;
    if (!mkdtemp(folder) || chdir(folder) != 0 || mkdir("demo", 0777) != 0) return 1;
    setenv("XDG_RUNTIME_DIR", folder, 1);
    const char *yaml = digits_configuration(&length);
    if (digits_unpack("demo/digits", &written) != LT_OK || path_write_atomic("demo/digits.yaml", yaml, length) != LT_OK)
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return chdir("/") != 0 || system(command) != 0 || failed;
}
