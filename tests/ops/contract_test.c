/* What plans rely on, for every op on every backend: samples that are not there are neither read nor counted; backward
 * reads only what the op says; memory may be shared where the op says so. */
#include "tests/ops/one_node.h"
#include "tests/ops/runner.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct results run(const struct op_test *test, struct one_node_options options, bool evaluate)
{
    struct one_node m;
    options.backend = test->backend ? test->backend : &backend_reference;
    options.real = DTYPE_F32;
    if (!one_node_open(&m, test->op_case, options)) {
        print_message("  the %s backend has no kernel for %s yet\n", options.backend->name,
                      op_at(test->op_case->op)->name);
        skip();
    }
    const struct results results = evaluate ? one_node_evaluation(&m) : one_node_train(&m);
    one_node_close(&m);
    for (int i = 0; i < results.count; i++)
        for (int64_t k = 0; k < results.item[i].count; k++)
            if (!isfinite(results.item[i].value[k]))
                fail_msg("%s: %s[%lld] was not written, or comes from what must not be read", test->op_case->name,
                         results.item[i].name, (long long)k);
    return results;
}

static void compare(const struct op_test *test, struct one_node_options options, bool evaluate, const char *what)
{
    struct results plain = run(test, (struct one_node_options){.n = options.n}, evaluate);
    struct results other = run(test, options, evaluate);
    struct results expected = plain, got = other;
    if (options.in_place_forward) expected.count = got.count = 1; /* out[0]: backward is not run after it */
    results_equal(&got, &expected, what);
    results_release(&plain), results_release(&other);
}

/* A capacity of n gives the same as n samples of more: to the bit on the reference, and to rounding where sums over
 * samples are cut by capacity. */
static void compare_capacity(const struct op_test *test, int64_t n, bool evaluate)
{
    struct op_case smaller = *test->op_case;
    smaller.x.size[0] = n;
    if (smaller.b.rank) smaller.b.size[0] = n;
    struct results exact = run(&(struct op_test){&smaller, test->backend}, (struct one_node_options){0}, evaluate);
    struct results ragged = run(test, (struct one_node_options){.n = n}, evaluate);
    if (test->backend == NULL) results_equal(&ragged, &exact, "a ragged batch");
    assert_int_equal(ragged.count, exact.count);
    for (int i = 0; i < exact.count; i++)
        if (!(result_error(&ragged.item[i], &exact.item[i]) <= 1e-5))
            fail_msg("%s: %s of a ragged batch is off", test->op_case->name, exact.item[i].name);
    results_release(&exact), results_release(&ragged);
}

static void keeps_its_word(void **state)
{
    const struct op_test *test = *state;
    const struct op *op = op_at(test->op_case->op);
    const int64_t capacity = test->op_case->x.size[0];
    compare(test, (struct one_node_options){.hide = true}, false, "with everything else hidden from backward");
    for (int evaluate = 0; evaluate < 2; evaluate++) {
        compare_capacity(test, 1, evaluate);
        compare_capacity(test, capacity - 1, evaluate);
    }
    if (op->in_place_forward) {
        compare(test, (struct one_node_options){.in_place_forward = true}, true, "evaluation in place");
        if (!(op->backward_reads & OP_READS_IN0))
            compare(test, (struct one_node_options){.in_place_forward = true}, false, "forward in place");
    }
    if (op->in_place_backward)
        compare(test, (struct one_node_options){.in_place_backward = true}, false, "backward in place");
}

int main(void)
{
    return run_op_tests("contracts of the reference", keeps_its_word, OPS_SMALL, false) +
           run_op_tests("contracts of other backends", keeps_its_word, OPS_ALL, true);
}
