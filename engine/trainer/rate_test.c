#include "engine/trainer/rate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void changes_and_undo(void **state)
{
    (void)state;
    struct rate rate = {0};
    assert_true(rate_factor(&rate) == 1);
    assert_int_equal(rate_change(&rate, "lr=undo", 0.1), LT_EUSAGE);
    assert_int_equal(rate_change(&rate, "lr*0.5", 0.1), LT_OK);
    assert_int_equal(rate_change(&rate, "lr=0.05", 0.1), LT_OK); /* as it is: no change to undo */
    assert_int_equal(rate_change(&rate, "lr*1", 0.1), LT_OK);
    assert_true(rate_factor(&rate) == 0.5);
    assert_int_equal(rate_change(&rate, "lr*0.5", 0.1), LT_OK);
    assert_true(rate_factor(&rate) == 0.25);
    assert_int_equal(rate_change(&rate, "lr=3e-1", 0.1), LT_OK);
    assert_true(fabs(rate_factor(&rate) * 0.1 - 0.3) < 1e-16);
    assert_int_equal(rate_change(&rate, "lr=0", 0.1), LT_OK);
    assert_true(rate_factor(&rate) == 0);
    static const double back[] = {3, 0.25, 0.5, 1};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(rate_change(&rate, "lr=undo", 0), LT_OK); /* wherever the schedule stands */
        assert_true(fabs(rate_factor(&rate) - back[i]) < 1e-15);
    }
    assert_int_equal(rate_change(&rate, "lr=undo", 0.1), LT_EUSAGE);
}

static void what_is_no_rate_changes_nothing(void **state)
{
    (void)state;
    static const char *const wishes[] = {
        "",         "lr",       "lr=",       "lr*",     "lr=-1",     "lr=-0",    "lr*-2",    "lr=nan",  "lr=inf",
        "lr=1e999", "lr=0x10",  "lr=1 ",     "lr= 1",   "lr=1e",     "lr=1,5",   "lr=1.1.1", "lr=Undo", "LR=1",
        "lr/2",     "lr=undo2", "weights=0", "lr*undo", "lr*1e308e", "lr=+-1e1", "lr==1",    "lr=1;rm"};
    struct rate rate = {0};
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++) {
        if (rate_change(&rate, wishes[i], 0.1) != LT_EUSAGE) fail_msg("'%s' was obeyed", wishes[i]);
        assert_int_equal(rate.depth, 0);
    }
    assert_int_equal(rate_change(&rate, "lr=1", 0), LT_EUSAGE);
    assert_int_equal(rate_change(&rate, "lr=1e300", 1e-300), LT_EUSAGE);
    assert_int_equal(rate_change(&rate, "lr*1e300", 1), LT_OK);
    assert_int_equal(rate_change(&rate, "lr*1e300", 1), LT_EUSAGE);
    assert_int_equal(rate.depth, 1);
}

/* More changes than are kept: the newest can be undone, and after them the configured rate is back. */
static void depth_is_bounded(void **state)
{
    (void)state;
    struct rate rate = {0};
    char wish[32];
    for (int i = 1; i <= 100; i++) {
        snprintf(wish, sizeof wish, "lr=%d", i + 1);
        assert_int_equal(rate_change(&rate, wish, 1), LT_OK);
    }
    for (int i = 99; i > 100 - RATE_DEPTH; i--) {
        assert_int_equal(rate_change(&rate, "lr=undo", 1), LT_OK);
        assert_true(rate_factor(&rate) == i + 1);
    }
    assert_int_equal(rate_change(&rate, "lr=undo", 1), LT_OK);
    assert_true(rate_factor(&rate) == 1);
}

static void state_comes_back_exactly(void **state)
{
    (void)state;
    struct rate rate = {0}, back;
    assert_int_equal(rate_change(&rate, "lr=0.1", 0.3), LT_OK);
    assert_int_equal(rate_change(&rate, "lr*1e-7", 0.3), LT_OK);
    json_t *saved = rate_save(&rate);
    char *text = json_dumps(saved, JSON_COMPACT);
    json_decref(saved);
    saved = json_loads(text, 0, NULL);
    assert_int_equal(rate_load(&back, saved), LT_OK);
    assert_int_equal(back.depth, 2);
    assert_memory_equal(back.factor, rate.factor, sizeof rate.factor);
    json_decref(saved);
    free(text);
    assert_int_equal(rate_load(&back, NULL), LT_OK);
    assert_true(rate_factor(&back) == 1);
    static const char *const damaged[] = {"{}", "[-1]", "[\"1\"]", "[1, null]"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        saved = json_loads(damaged[i], 0, NULL);
        assert_int_equal(rate_load(&back, saved), LT_EFORMAT);
        assert_int_equal(back.depth, 0);
        json_decref(saved);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(changes_and_undo),
                                       cmocka_unit_test(what_is_no_rate_changes_nothing),
                                       cmocka_unit_test(depth_is_bounded), cmocka_unit_test(state_comes_back_exactly)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
