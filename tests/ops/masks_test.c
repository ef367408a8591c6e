/* Random masks are functions of (seed, layer, epoch, sample) only, drop as often as asked, and keep the mean. The mask
 * itself is held to PyTorch's arithmetic by golden_test.c. */
#include "tests/ops/one_node.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { CAPACITY = 16, ROW = 1000 };

static const struct op_case wide = {
    .name = "wide", .op = OP_dropout, .x = {2, {CAPACITY, ROW}}, .low = 1, .high = 2, .p = 0.3};
static const struct op_case deep = {
    .name = "deep", .op = OP_stochastic_depth, .x = {4, {CAPACITY, 2, 2, 3}}, .low = 1, .high = 2, .p = 0.3};

struct mask {
    bool kept[CAPACITY][ROW];
};

static struct mask mask_of(const struct op_case *c, struct one_node_options options)
{
    struct mask mask = {0};
    struct one_node m;
    options.backend = &backend_reference;
    options.real = DTYPE_F64;
    assert_true(one_node_open(&m, c, options));
    struct results results = one_node_train(&m);
    const int64_t row = shape_count(c->x) / CAPACITY;
    for (int64_t i = 0; i < results.item[0].count; i++) mask.kept[i / row][i % row] = results.item[0].value[i] != 0;
    results_release(&results);
    one_node_close(&m);
    return mask;
}

static void the_batch_does_not_matter(void **state)
{
    (void)state;
    const int64_t ascending[CAPACITY] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const int64_t other[CAPACITY] = {7, 900, 3, 0, 5};
    const struct op_case *cases[] = {&wide, &deep};
    for (int k = 0; k < 2; k++) {
        const struct mask a = mask_of(cases[k], (struct one_node_options){.sample = ascending});
        const struct mask b = mask_of(cases[k], (struct one_node_options){.sample = other, .n = 5});
        for (int i = 0; i < 5; i++)
            if (other[i] < CAPACITY) assert_memory_equal(a.kept[other[i]], b.kept[i], sizeof a.kept[0]);
    }
}

static void keys_change_the_mask(void **state)
{
    (void)state;
    const struct mask a = mask_of(&wide, (struct one_node_options){0});
    const struct one_node_options others[] = {
        {.layer = "other.layer"}, {.seed = 1}, {.seed = 1ull << 32}, {.epoch = 1}};
    for (int k = 0; k < 4; k++) {
        const struct mask b = mask_of(&wide, others[k]);
        int equal = 0;
        for (int i = 0; i < CAPACITY; i++)
            for (int j = 0; j < ROW; j++) equal += a.kept[i][j] == b.kept[i][j];
        /* independent masks agree with probability 0.7^2 + 0.3^2 = 0.58; the deviation of 16000 is 0.004 */
        assert_true(fabs(equal / (double)(CAPACITY * ROW) - 0.58) < 0.02);
    }
    const struct mask again = mask_of(&wide, (struct one_node_options){0});
    assert_memory_equal(&a, &again, sizeof a);
}

static void drops_as_often_as_asked(void **state)
{
    (void)state;
    const struct mask a = mask_of(&wide, (struct one_node_options){0});
    int kept = 0, whole = 0;
    for (int i = 0; i < CAPACITY; i++)
        for (int j = 0; j < ROW; j++) kept += a.kept[i][j];
    assert_true(fabs(kept / (double)(CAPACITY * ROW) - 0.7) < 0.015);

    int survivors = 0, samples = 0;
    for (uint32_t epoch = 0; epoch < 60; epoch++) {
        const struct mask d = mask_of(&deep, (struct one_node_options){.epoch = epoch});
        for (int i = 0; i < CAPACITY; i++, samples++) {
            for (int j = 1; j < 12; j++) whole += d.kept[i][j] == d.kept[i][0];
            survivors += d.kept[i][0];
        }
    }
    assert_int_equal(whole, samples * 11);
    assert_true(fabs(survivors / (double)samples - 0.7) < 0.06);
}

static void everything_may_be_dropped(void **state)
{
    (void)state;
    struct op_case all = wide;
    all.p = 1;
    const struct mask a = mask_of(&all, (struct one_node_options){0});
    for (int i = 0; i < CAPACITY; i++)
        for (int j = 0; j < ROW; j++) assert_false(a.kept[i][j]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_batch_does_not_matter),
        cmocka_unit_test(keys_change_the_mask),
        cmocka_unit_test(drops_as_often_as_asked),
        cmocka_unit_test(everything_may_be_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
