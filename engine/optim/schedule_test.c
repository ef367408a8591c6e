/* Schedules against torch's rates (tests/golden/schedules.py): every step within 1e-12. */
#include "engine/optim/schedule.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static FILE *open_expected(void)
{
    char path[4096];
    const char *root = getenv("LATHE_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/tests/golden/expected/schedules.txt", root ? root : ".");
    return fopen(path, "r");
}

static void read_policy(struct lr_policy *policy, const char *yaml)
{
    struct setting *root;
    assert_int_equal(setting_parse(&root, yaml, "test"), LT_OK);
    assert_int_equal(lr_policy_read(policy, root), LT_OK);
    setting_free(root);
}

static void rates_are_torchs(void **state)
{
    (void)state;
    FILE *file = open_expected();
    assert_non_null(file);
    char line[512];
    int cases = 0;
    while (fgets(line, sizeof line, file)) {
        int steps, total, yaml;
        assert_int_equal(sscanf(line, "case %d %d %n", &steps, &total, &yaml), 2);
        struct lr_policy policy;
        read_policy(&policy, line + yaml);
        policy.total = total;
        for (int t = 0; t < steps; t++) {
            char expected[64];
            assert_non_null(fgets(expected, sizeof expected, file));
            double rate = lr_policy_at(&policy, 0.1, t);
            if (!(fabs(rate - strtod(expected, NULL)) <= 1e-12))
                fail_msg("%sstep %d: %.17g, torch has %s", line, t, rate, expected);
        }
        lr_policy_release(&policy);
        cases++;
    }
    fclose(file);
    assert_int_equal(cases, 11);
}

static void nothing_configured_is_constant(void **state)
{
    (void)state;
    struct lr_policy policy;
    assert_int_equal(lr_policy_read(&policy, NULL), LT_OK);
    assert_true(lr_policy_at(&policy, 0.25, 1000) == 0.25);
    lr_policy_release(&policy);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *say;
    } wrong[] = {
        {"{name: cosine}", "cosine_annealing"},
        {"{name: step}", "step_size"},
        {"{name: step, step_size: 0}", "step_size"},
        {"{name: constant, intervall: step}", "interval"},
        {"{name: exponential, gamma: 0.9, warmup: {step: 3}}", "steps"},
        {"{name: exponential, gamma: 0.9, warmup: {steps: 3, start_factor: 0}}", "start_factor"},
        {"{interval: step}", "name"},
        {"[1]", "name"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct setting *root;
        struct lr_policy policy;
        assert_int_equal(setting_parse(&root, wrong[i].yaml, "wrong.yaml"), LT_OK);
        assert_int_equal(lr_policy_read(&policy, root), LT_EUSAGE);
        assert_non_null(strstr(lt_message(), wrong[i].say));
        assert_non_null(strstr(lt_message(), "wrong.yaml:1"));
        lr_policy_release(&policy);
        setting_free(root);
    }
}

static void writing_reads_back(void **state)
{
    (void)state;
    struct lr_policy a, b;
    struct text yaml = {0}, again = {0};
    read_policy(&a, "{name: cosine_annealing, T_max: 7, interval: step, warmup: {steps: 2, start_factor: 0.25}}");
    lr_policy_write(&yaml, &a, 0);
    read_policy(&b, text_get(&yaml));
    lr_policy_write(&again, &b, 0);
    assert_string_equal(text_get(&yaml), text_get(&again));
    assert_int_equal(b.interval, SCHEDULE_STEP);
    for (int t = 0; t < 20; t++) assert_true(lr_policy_at(&a, 0.1, t) == lr_policy_at(&b, 0.1, t));
    lr_policy_release(&a);
    lr_policy_release(&b);
    text_release(&yaml);
    text_release(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_torchs),
        cmocka_unit_test(nothing_configured_is_constant),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(writing_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
