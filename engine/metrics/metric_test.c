/* Metrics against torchmetrics' values (tests/golden/metrics.py), which are float32. */
#include "engine/metrics/metric.h"

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
    snprintf(path, sizeof path, "%s/tests/golden/expected/metrics.txt", root ? root : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    return file;
}

static void read_numbers(FILE *file, int32_t *number, int n)
{
    for (int i = 0; i < n; i++) assert_int_equal(fscanf(file, "%d", &number[i]), 1);
}

static double value_of(struct confusion *confusion, const char *name, const char *average)
{
    char yaml[128];
    struct setting *list;
    struct metric_set set;
    snprintf(yaml, sizeof yaml, "[{%s: {average: %s}}]", name, average);
    assert_int_equal(setting_parse(&list, yaml, "test"), LT_OK);
    assert_int_equal(metric_set_read(&set, "val", list), LT_OK);
    double value = set.metric[0]->compute(confusion, set.options[0]);
    metric_set_release(&set);
    setting_free(list);
    return value;
}

static void values_are_torchmetrics(void **state)
{
    (void)state;
    FILE *file = open_expected();
    int classes, n, values = 0;
    while (fscanf(file, " case %d %d", &classes, &n) == 2) {
        int32_t target[256], predicted[256];
        char name[32], average[32];
        double expected;
        struct confusion confusion;
        read_numbers(file, target, n);
        read_numbers(file, predicted, n);
        confusion_init(&confusion, classes);
        confusion_add(&confusion, target, predicted, n / 2); /* in two parts: sums, not means of means */
        confusion_add(&confusion, target + n / 2, predicted + n / 2, n - n / 2);
        assert_int_equal(confusion_total(&confusion), n);
        for (int i = 0; i < 5; i++, values++) {
            assert_int_equal(fscanf(file, " %31s %31s %lf", name, average, &expected), 3);
            assert_true(fabs(value_of(&confusion, name, average) - expected) < 2e-7);
        }
        confusion_release(&confusion);
    }
    assert_int_equal(values, 30);
    fclose(file);
}

static void wrong_lists(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *message;
    } cases[] = {
        {"[acuracy]", "t:1: 0: there is no metric 'acuracy'; did you mean 'accuracy'?"},
        {"[accuracy, accuracy]", "t:1: 1: the metric 'accuracy' stands twice"},
        {"[{f1_score: {average: none}}]", "t:1: 0.f1_score.average: 'none' is not one of macro|micro|weighted"},
        {"accuracy", "t:1: a list of metrics stands here, like [accuracy, f1_score]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct setting *list;
        struct metric_set set;
        assert_int_equal(setting_parse(&list, cases[i].yaml, "t"), LT_OK);
        assert_int_equal(metric_set_read(&set, "val", list), LT_EUSAGE);
        assert_string_equal(lt_message(), cases[i].message);
        setting_free(list);
    }
}

static void state_is_exact(void **state)
{
    (void)state;
    struct metric_set a, b;
    const int32_t target[3] = {0, 2, 1}, predicted[3] = {0, 1, 1};
    const float loss[3] = {0.1f, 1e-30f, 3.3f};
    assert_int_equal(metric_set_read(&a, "val", NULL), LT_OK);
    assert_int_equal(metric_set_read(&b, "val", NULL), LT_OK);
    metric_set_classes(&a, 3);
    metric_set_classes(&b, 3);
    metric_set_add(&a, loss, target, predicted, 3);
    json_t *saved = metric_set_save(&a);
    assert_int_equal(metric_set_load(&b, saved), LT_OK);
    assert_true(a.loss_sum == b.loss_sum && a.samples == b.samples);
    assert_memory_equal(a.confusion.count, b.confusion.count, 9 * sizeof(int64_t));
    metric_set_classes(&b, 4);
    assert_int_equal(metric_set_load(&b, saved), LT_EFORMAT);
    json_decref(saved);
    metric_set_release(&a);
    metric_set_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(values_are_torchmetrics), cmocka_unit_test(wrong_lists),
                                       cmocka_unit_test(state_is_exact)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
