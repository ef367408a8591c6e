#include "profiler/tree.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAIN = 0 };

static void add(struct tree *tree, int id, int64_t begin, int64_t end)
{
    tree_add(tree, &(struct span){.id = id, .thread = MAIN, .begin_ns = begin, .end_ns = end}, 1);
}

static const struct tree_row *find(const struct tree_table *table, const char *path)
{
    const struct tree_row *row = tree_find(table, path);
    if (!row) print_error("there is no %s\n", path);
    assert_non_null(row);
    return row;
}

static void assert_row(const struct tree_table *table, const char *path, int64_t calls, double total_ns, double self_ns)
{
    const struct tree_row *row = find(table, path);
    assert_int_equal(row->calls, calls);
    assert_true(fabs(row->total_s * 1e9 - total_ns) < 1e-3);
    assert_true(fabs(row->self_s * 1e9 - self_ns) < 1e-3);
}

static double self_sum(const struct tree_table *table)
{
    double sum = 0;
    for (int i = 0; i < table->beside; i++) sum += table->row[i].self_s;
    return sum * 1e9;
}

static int kernel(const char *name, int layer, double flops)
{
    return span_new(name, &(struct span_kernel){.layer = layer, .flops = flops, .bytes = 2 * flops});
}

/* Two steps of data and forward, in it two layers, one with two kernels; the times are chosen by hand. */
static void steps_become_a_tree(void **state)
{
    (void)state;
    const int conv_layer = span_new("conv", NULL), norm_layer = span_new("norm", NULL);
    const int conv = kernel("conv2d", conv_layer, 1000), again = kernel("conv2d (again)", conv_layer, 0),
              norm = kernel("batch_norm", norm_layer, 10);
    struct tree *tree = tree_new(MAIN, 1000);
    struct tree_table table;
    for (int64_t t = 10000; t <= 20000; t += 10000) {
        add(tree, SPAN_STEP, t, 0);
        add(tree, SPAN_DATA, t + 100, t + 1100);
        add(tree, conv, t + 2000, t + 4000);
        add(tree, again, t + 4000, t + 4500);
        add(tree, norm, t + 4500, t + 5500);
        add(tree, SPAN_FORWARD, t + 1900, t + 5600);
        add(tree, SPAN_STEP, t, t + 9000);
    }
    tree_settle(tree, 31000);
    tree_read(tree, NULL, &table);
    assert_row(&table, "fit", 1, 30000, 12000);
    assert_row(&table, "fit/step", 2, 18000, 18000 - 2000 - 7400);
    assert_row(&table, "fit/step/data", 2, 2000, 2000);
    assert_row(&table, "fit/step/forward", 2, 7400, 400);
    assert_row(&table, "fit/step/forward/conv", 2, 5000, 0);
    assert_row(&table, "fit/step/forward/conv/conv2d", 2, 4000, 4000);
    assert_row(&table, "fit/step/forward/norm/batch_norm", 2, 2000, 2000);
    assert_true(fabs(self_sum(&table) - 30000) < 1e-3);
    assert_true(find(&table, "fit/step/forward/conv/conv2d")->flops == 2000);
    assert_true(find(&table, "fit/step/forward/conv")->bytes == 4000);
    assert_true(fabs(find(&table, "fit/step")->share - 0.6) < 1e-9);
    assert_ptr_equal(find(&table, "fit/step/forward"), find(&table, "fit/step") + 1); /* the longest child is next */
    assert_true(find(&table, "fit/step/forward/conv/conv2d")->p95_s * 1e9 > 2000 / 1.2);
    tree_table_release(&table);
    tree_free(tree);
}

/* Read in the middle of a validation, and after an error left it open. */
static void open_hooks_count(void **state)
{
    (void)state;
    struct tree *tree = tree_new(MAIN, 0);
    struct tree_table table;
    add(tree, SPAN_VALIDATION, 1000, 0);
    add(tree, SPAN_DATA, 2000, 3000);
    tree_settle(tree, 5000);
    tree_read(tree, NULL, &table);
    assert_row(&table, "fit/validation", 0, 4000, 3000);
    assert_true(fabs(self_sum(&table) - 5000) < 1e-3);
    tree_table_release(&table);

    add(tree, SPAN_STEP, 6000, 0);
    add(tree, SPAN_DATA, 6000, 6500);
    add(tree, SPAN_VALIDATION, 1000, 9000);
    add(tree, SPAN_DATA, 9500, 9600);
    tree_settle(tree, 10000);
    tree_read(tree, NULL, &table);
    assert_row(&table, "fit/validation", 1, 8000, 8000 - 1000 - 3000);
    assert_row(&table, "fit/validation/step", 1, 3000, 2500);
    assert_row(&table, "fit/data", 1, 100, 100);
    assert_true(fabs(self_sum(&table) - 10000) < 1e-3);
    tree_table_release(&table);
    tree_free(tree);
}

/* What lies between two marks, also of nodes that came later. */
static void windows_are_differences(void **state)
{
    (void)state;
    struct tree *tree = tree_new(MAIN, 0);
    struct tree_mark mark = {0};
    struct tree_table table;
    add(tree, SPAN_DATA, 100, 300);
    tree_settle(tree, 1000);
    tree_set_mark(tree, &mark);
    add(tree, SPAN_DATA, 1100, 1150);
    add(tree, SPAN_LOG, 1200, 1300);
    tree_settle(tree, 2000);
    tree_read(tree, &mark, &table);
    assert_row(&table, "fit", 0, 1000, 850);
    assert_row(&table, "fit/data", 1, 50, 50);
    assert_row(&table, "fit/log", 1, 100, 100);
    tree_table_release(&table);
    tree_mark_release(&mark);
    tree_free(tree);
}

/* Random nesting, four deep, read at random moments: the self times always sum to the time that passed. */
static int64_t nest(struct tree *tree, int depth, int64_t now)
{
    int64_t begin = now;
    for (int i = rand() % 3; depth < 4 && i > 0; i--) now = nest(tree, depth + 1, now + rand() % 100);
    now += 1 + rand() % 1000;
    add(tree, SPAN_DATA + rand() % SPAN_PHASES, begin, now);
    return now;
}

static void self_times_sum_to_wall(void **state)
{
    (void)state;
    struct tree *tree = tree_new(MAIN, 0);
    int64_t now = 0;
    srand(1);
    for (int step = 0; step < 1000; step++) {
        int64_t begin = now += 1 + rand() % 50;
        add(tree, SPAN_STEP, begin, 0);
        for (int i = 0; i < 5; i++) {
            now = nest(tree, 0, now + rand() % 10);
            if (rand() % 3 == 0) tree_settle(tree, now += rand() % 10);
        }
        add(tree, SPAN_STEP, begin, now);
        if (step % 100) continue;
        struct tree_table table;
        tree_settle(tree, now);
        tree_read(tree, NULL, &table);
        assert_true(fabs(table.row[0].total_s * 1e9 - (double)now) < 1e-3);
        assert_true(fabs(self_sum(&table) - (double)now) < 1);
        tree_table_release(&table);
    }
    tree_free(tree);
}

/* Threads stand beside, flat, and take nothing from the root. */
static void threads_stand_beside(void **state)
{
    (void)state;
    struct tree *tree = tree_new(7, 0);
    struct tree_table table;
    span_thread(); /* thread 0 has a name now */
    add(tree, SPAN_READ, 0, 400);
    add(tree, SPAN_DECODE, 400, 1400);
    tree_settle(tree, 1000);
    tree_read(tree, NULL, &table);
    assert_int_equal(table.beside, 1);
    assert_true(fabs(self_sum(&table) - 1000) < 1e-3);
    assert_int_equal(table.row[table.beside].calls, 2);
    assert_int_equal(table.row[table.beside + 1].id, SPAN_DECODE);
    assert_true(fabs(table.row[table.beside + 1].total_s * 1e9 - 1000) < 1e-3);
    tree_table_release(&table);
    tree_free(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_become_a_tree),     cmocka_unit_test(open_hooks_count),
        cmocka_unit_test(windows_are_differences), cmocka_unit_test(self_times_sum_to_wall),
        cmocka_unit_test(threads_stand_beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
