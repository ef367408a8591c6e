/* Every backend computes what the reference does, in float: norm of the difference within 1e-5 of the norm, for
 * training and evaluation, whole and ragged batches; with the same bits for any number of threads. */
#include "tests/ops/one_node.h"
#include "tests/ops/runner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* False when the backend has no kernel. */
static bool run(struct results *results, const struct op_test *test, struct one_node_options options, bool evaluate)
{
    struct one_node m;
    options.real = DTYPE_F32;
    if (!one_node_open(&m, test->op_case, options)) return false;
    *results = evaluate ? one_node_evaluation(&m) : one_node_train(&m);
    one_node_close(&m);
    return true;
}

static void compare(const struct results *got, const struct results *expected, const char *what)
{
    assert_int_equal(got->count, expected->count);
    for (int i = 0; i < got->count; i++) {
        const double off = result_error(&got->item[i], &expected->item[i]);
        if (!(off <= 1e-5)) fail_msg("%s: %s is off by %.3g of its norm", what, expected->item[i].name, off);
    }
}

static void check(const struct op_test *test, int64_t n, bool evaluate)
{
    struct results oracle, first, again;
    char what[64];
    snprintf(what, sizeof what, "%s, n = %lld", evaluate ? "evaluation" : "training", (long long)n);
    struct one_node_options options = {.backend = &backend_reference, .n = n};
    assert_true(run(&oracle, test, options, evaluate));
    options.backend = test->backend;
    if (!run(&first, test, options, evaluate)) {
        results_release(&oracle);
        fail_msg("the %s backend has no kernel for %s", test->backend->name, op_at(test->op_case->op)->name);
    }
    compare(&first, &oracle, what);
    static const int threads[] = {2, 3, 8};
    for (int i = 0; i < 3; i++) {
        options.threads = threads[i];
        assert_true(run(&again, test, options, evaluate));
        results_equal(&again, &first, "another number of threads");
        results_release(&again);
    }
    results_release(&oracle), results_release(&first);
}

static void agrees_with_the_reference(void **state)
{
    const struct op_test *test = *state;
    const int64_t capacity = test->op_case->x.size[0];
    for (int evaluate = 0; evaluate < 2; evaluate++) {
        check(test, capacity, evaluate);
        check(test, capacity - 1, evaluate);
        check(test, 1, evaluate);
    }
}

int main(void)
{
    return run_op_tests("agreement with the reference", agrees_with_the_reference, OPS_ALL, true);
}
