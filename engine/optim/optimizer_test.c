/* Reference updates against torch.optim (tests/golden/optimizers.py): double to 1e-13, float to a few roundings. */
#include "engine/optim/optimizer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 40, HALF = COUNT / 2, UPDATES = 5, SECOND_AT = FLAT_ALIGN, FLAT = SECOND_AT + FLAT_ALIGN };

static const struct segment segments[2] = {{0, HALF, 0}, {SECOND_AT, HALF, 1}};

/* Where parameter i lies in flat memory. */
static int place(int i)
{
    return i < HALF ? i : SECOND_AT + i - HALF;
}

struct run {
    enum dtype real;
    double first[COUNT], last[COUNT];
};

static double element(const void *flat, enum dtype real, int at)
{
    return real == DTYPE_F64 ? ((const double *)flat)[at] : (double)((const float *)flat)[at];
}

static void set_element(void *flat, enum dtype real, int at, double value)
{
    if (real == DTYPE_F64)
        ((double *)flat)[at] = value;
    else
        ((float *)flat)[at] = (float)value;
}

static void train(struct run *run, const struct optimizer_choice *choice)
{
    static double parameter[FLAT], gradient[FLAT], state[OPTIMIZER_STATES_MAX][FLAT];
    memset(state, 0, sizeof state);
    const struct optimizer *optimizer = choice->optimizer;
    const struct group_scalars group[2] = {{optimizer->lr(choice->options), optimizer->weight_decay(choice->options)},
                                           {optimizer->lr(choice->options), 0}};
    int64_t step = 0;
    const struct optimizer_call call = {.options = choice->options,
                                        .real = run->real,
                                        .parameter = parameter,
                                        .gradient = gradient,
                                        .state = {state[0], state[1], state[2]},
                                        .segment = segments,
                                        .segments = 2,
                                        .group = group,
                                        .step = &step};
    for (int i = 0; i < FLAT; i++) set_element(parameter, run->real, i, 3.0);
    for (int i = 0; i < COUNT; i++) set_element(parameter, run->real, place(i), cos(i));
    for (step = 1; step <= UPDATES; step++) {
        for (int i = 0; i < COUNT; i++)
            set_element(gradient, run->real, place(i), sin(3.0 * i + 7.0 * (double)step) / (1 + i % 5));
        optimizer->reference(&call);
        for (int i = 0; i < COUNT && step == 1; i++) run->first[i] = element(parameter, run->real, place(i));
    }
    for (int i = 0; i < COUNT; i++) run->last[i] = element(parameter, run->real, place(i));
    assert_true(element(parameter, run->real, HALF) == 3.0); /* gaps are not touched */
}

static void check_case(FILE *file, const char *yaml)
{
    struct setting *root;
    struct optimizer_choice choice;
    assert_int_equal(setting_parse(&root, yaml, "test"), LT_OK);
    assert_int_equal(optimizer_read(&choice, root), LT_OK);
    struct run wide = {.real = DTYPE_F64}, narrow = {.real = DTYPE_F32};
    train(&wide, &choice);
    train(&narrow, &choice);
    for (int i = 0; i < COUNT; i++) {
        double expected[4];
        assert_int_equal(fscanf(file, "%lf %lf %lf %lf\n", &expected[0], &expected[1], &expected[2], &expected[3]), 4);
        assert_true(fabs(wide.first[i] - expected[0]) <= 1e-14 && fabs(wide.last[i] - expected[1]) <= 1e-13);
        if (!(fabs(narrow.first[i] - expected[2]) <= 1.2e-7 && fabs(narrow.last[i] - expected[3]) <= 3e-7))
            fail_msg("%s: float parameter %d is off: %g %g", yaml, i, narrow.first[i] - expected[2],
                     narrow.last[i] - expected[3]);
    }
    optimizer_release(&choice);
    setting_free(root);
}

static void updates_are_torchs(void **state)
{
    (void)state;
    char path[4096], line[512];
    const char *root = getenv("LATHE_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/tests/golden/expected/optimizers.txt", root ? root : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    int cases = 0;
    for (; fgets(line, sizeof line, file); cases++) {
        assert_int_equal(strncmp(line, "case ", 5), 0);
        check_case(file, line + 5);
    }
    fclose(file);
    assert_int_equal(cases, 7);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *say;
    } wrong[] = {
        {"{name: adamv}", "adamw"},
        {"{name: sgd, nesterov: true}", "momentum"},
        {"{name: adam, betas: [0.9]}", "betas"},
        {"{name: adam, betas: [0.9, 1.0]}", "betas"},
        {"{name: adam, learning_rate: 1}", "learning_rate"},
        {"{name: adam, lr: fast}", "lr"},
        {"{lr: 1}", "name"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct setting *root;
        struct optimizer_choice choice;
        assert_int_equal(setting_parse(&root, wrong[i].yaml, "wrong.yaml"), LT_OK);
        assert_int_equal(optimizer_read(&choice, root), LT_EUSAGE);
        assert_non_null(strstr(lt_message(), wrong[i].say));
        assert_non_null(strstr(lt_message(), "wrong.yaml:1"));
        optimizer_release(&choice);
        setting_free(root);
    }
}

static void writing_reads_back(void **state)
{
    (void)state;
    struct setting *root;
    struct optimizer_choice choice;
    struct text yaml = {0}, again = {0};
    assert_int_equal(setting_parse(&root, "{name: adam, lr: 0.3, no_decay: ['*.bias', 'features.0.*']}", "test"),
                     LT_OK);
    assert_int_equal(optimizer_read(&choice, root), LT_OK);
    setting_free(root);
    optimizer_write(&yaml, &choice, 0);
    optimizer_release(&choice);
    assert_int_equal(setting_parse(&root, text_get(&yaml), "test"), LT_OK);
    assert_int_equal(optimizer_read(&choice, root), LT_OK);
    assert_int_equal(choice.id, OPTIMIZER_adam);
    assert_int_equal(choice.no_decay.count, 2);
    optimizer_write(&again, &choice, 0);
    assert_string_equal(text_get(&yaml), text_get(&again));
    optimizer_release(&choice);
    setting_free(root);
    text_release(&yaml);
    text_release(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_are_torchs),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(writing_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
