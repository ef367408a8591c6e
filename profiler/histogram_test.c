#include "profiler/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_near(double value, double expected)
{
    assert_true(value > expected / 1.19 && value < expected * 1.19);
}

/* 1, 2 … 1000 µs: percentiles are right within a bucket, whatever the unit. */
static void quantiles_are_right_within_a_bucket(void **state)
{
    (void)state;
    for (int64_t unit = 1000; unit <= 100000000; unit *= 10) {
        struct histogram histogram = {0};
        for (int64_t i = 1; i <= 1000; i++) histogram_add(&histogram, i * unit);
        assert_near(histogram_quantile(&histogram, 0.5), 500 * (double)unit);
        assert_near(histogram_quantile(&histogram, 0.95), 950 * (double)unit);
    }
}

static void extremes_stay_inside(void **state)
{
    (void)state;
    struct histogram histogram = {0}, before;
    assert_true(histogram_quantile(&histogram, 0.5) == 0);
    histogram_add(&histogram, 0);
    histogram_add(&histogram, -5);
    histogram_add(&histogram, INT64_MAX);
    assert_int_equal(histogram.count[0], 2);
    assert_int_equal(histogram.count[HISTOGRAM_BUCKETS - 1], 1);
    before = histogram;
    histogram_add(&histogram, 1000);
    histogram_subtract(&histogram, &histogram, &before);
    assert_near(histogram_quantile(&histogram, 0.5), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(quantiles_are_right_within_a_bucket),
                                       cmocka_unit_test(extremes_stay_inside)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
