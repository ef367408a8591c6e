/* The profile of a living run against a clock that is not its own: between two of its documents the self times of the
 * trainer's thread sum to the time that passed by the log's rows, within 1 %; and so do the times of the steps. */
#include "data/base/memory.h"
#include "engine/log/read.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const char folder[] = "runs/timed/version_0";
static const double least_s = 5;
enum { EPOCH = 45 /* steps of the small network */, AWAY = 3 };

/* Seconds: all self times of a tree's first root, the trainer's thread. */
static double self_s(const json_t *rows)
{
    double sum = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (i > 0 && json_integer_value(json_array_get(row, 0)) < 0) break;
        sum += json_number_value(json_array_get(row, 4)) * 1e-9;
    }
    return sum;
}

/* Amid an epoch: a validation between a step's row and the profile would stand in one of them only. */
static bool is_comparable(const json_t *json)
{
    const json_int_t step = json_integer_value(json_object_get(json, "step"));
    return step > 10 && step % EPOCH > AWAY;
}

/* The profile once its tree is about more than `after` seconds; caller decrefs. */
static json_t *wait_for_profile(double after)
{
    for (int tries = 0; tries < 6000; tries++) {
        char path[64];
        snprintf(path, sizeof path, "%s/documents/profile.json", folder);
        json_t *json = json_load_file(path, 0, NULL);
        if (json && json_number_value(json_object_get(json, "run_s")) > after && is_comparable(json)) return json;
        json_decref(json);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    fail_msg("no profile after a minute");
    return NULL;
}

/* When a step was logged, how many were until then, and the milliseconds of all their phases. */
struct moment {
    double wall, ms, steps;
};

static struct moment moment_of(const struct run_family_rows *rows, const struct run_family *family, int64_t step)
{
    struct moment moment = {0};
    for (size_t i = 0; i < family->rows; i++) {
        for (size_t k = 0; k < family->names; k++) moment.ms += (double)rows->value[i * family->names + k];
        moment.wall = rows->wall[i], moment.steps++;
        if (rows->step[i] == step) return moment;
    }
    fail_msg("step %lld is not in the log", (long long)step);
    return moment;
}

/* A step is read back while the next one ends, so its row is logged when the profile of the next is made. */
static void compare(const json_t *first, const json_t *last)
{
    struct run_reader *reader;
    struct run_family family;
    assert_int_equal(run_reader_open(&reader, folder), LT_OK);
    assert_int_equal(run_reader_family(reader, family_at(FAMILY_PHASE)->path, 1, &family), LT_OK);
    struct run_family_rows rows = {memory_new(family.rows + 1, sizeof(int64_t)),
                                   memory_new(family.rows + 1, sizeof(double)),
                                   memory_new(family.rows * family.names + 1, sizeof(float))};
    assert_int_equal(run_reader_family_rows(reader, &family, 0, family.rows, &rows), LT_OK);
    const struct moment a = moment_of(&rows, &family, json_integer_value(json_object_get(first, "step")) - 1),
                        b = moment_of(&rows, &family, json_integer_value(json_object_get(last, "step")) - 1);
    const double wall = b.wall - a.wall, steps = (b.ms - a.ms) * 1e-3,
                 self = self_s(json_object_get(last, "whole")) - self_s(json_object_get(first, "whole"));
    print_message("%.3f s passed; self times sum to %.3f s, steps to %.3f s\n", wall, self, steps);
    assert_true(wall > 0.9 * least_s);
    assert_true(fabs(self / wall - 1) < 0.01);
    assert_true(fabs(steps - wall) <
                0.01 * wall + 0.5 * wall / (b.steps - a.steps)); /* rows may come half a step later */
    run_family_release(&family);
    run_reader_close(reader);
    free(rows.step), free(rows.wall), free(rows.value);
}

/* `options` are more of lathe fit. */
static void watch_run(const char *options)
{
    char work[] = "/tmp/lathe-wall-XXXXXX", command[512];
    assert_non_null(mkdtemp(work));
    assert_int_equal(chdir(work), 0);
    assert_int_equal(setenv("XDG_RUNTIME_DIR", work, 1), 0);
    snprintf(command, sizeof command,
             "\"$LATHE_BINARY\" demo >log && "
             "\"$LATHE_BINARY\" fit --headless -c demo/digits.yaml --run_name timed --trainer.max_epochs "
             "100000 --trainer.log_every_n_steps 1 %s >>log 2>&1 &",
             options);
    assert_int_equal(system(command), 0);
    json_t *first = wait_for_profile(0.2);
    json_t *last = wait_for_profile(json_number_value(json_object_get(first, "run_s")) + least_s);
    const json_t *window = json_object_get(last, "window");
    assert_true(fabs(self_s(window) / json_number_value(json_object_get(last, "window_s")) - 1) < 0.001);
    assert_int_equal(system("\"$LATHE_BINARY\" ctl timed stop >>log 2>&1"), 0);
    compare(first, last);
    json_decref(first), json_decref(last);
    assert_int_equal(chdir("/"), 0);
    snprintf(command, sizeof command, "rm -rf %s", work);
    assert_int_equal(system(command), 0);
}

static void of_a_small_network(void **state)
{
    (void)state;
    watch_run("");
}

static void of_efficientnet_b0(void **state)
{
    (void)state;
    watch_run("--model.name efficientnet_b0 --data.batch_size 4 --trainer.num_sanity_val_steps 0 "
              "--data.train_transforms '[{random_resized_crop: 224}, {normalize: imagenet}]' "
              "--data.val_transforms '[{resize: 224}, {center_crop: 224}, {normalize: imagenet}]'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(of_a_small_network), cmocka_unit_test(of_efficientnet_b0)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
