/* Kernels with activations in bfloat16 against the reference in double, on inputs that bfloat16 has: what is stored in
 * bfloat16 within its rounding (norm of the difference within 4e-3 of the norm), what is float (gradients of
 * parameters, statistics, losses) within 1e-5, or 5e-5 behind an activation; with the same bits for any number of
 * threads. */
#include "tests/ops/one_node.h"
#include "tests/ops/runner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct results run(const struct op_test *test, const struct backend *backend, int64_t n, int threads,
                          bool evaluate)
{
    struct one_node m;
    const bool narrow = backend != &backend_reference;
    const struct one_node_options options = {.backend = backend,
                                             .threads = threads,
                                             .real = narrow ? DTYPE_F32 : DTYPE_F64,
                                             .bf16 = narrow,
                                             .rounded = true,
                                             .n = n};
    if (!one_node_open(&m, test->op_case, options)) fail_msg("there is no kernel");
    struct results results = evaluate ? one_node_evaluation(&m) : one_node_train(&m);
    one_node_close(&m);
    return results;
}

/* The slope of sigmoid is y (1 - y) of the stored y: near 1 its rounding is most of the difference. What conv_norm
 * finds comes from a stored z. */
static double bound(const struct op_test *test, const struct result *result)
{
    if (test->op_case->op == OP_conv_norm) return 3e-2; /* and a few of relu fall on the other side */
    if (result->dtype != DTYPE_BF16) return test->op_case->op == OP_batch_norm ? 5e-5 : 1e-5; /* a sigmoid to 2^-13 */
    return test->op_case->op == OP_sigmoid ? 2e-2 : 5e-3;
}

static void check(const struct op_test *test, int64_t n, bool evaluate)
{
    struct results expected = run(test, &backend_reference, n, 1, evaluate),
                   first = run(test, test->backend, n, 1, evaluate);
    assert_int_equal(first.count, expected.count);
    for (int i = 0; i < first.count; i++) {
        const double off = result_error(&first.item[i], &expected.item[i]);
        if (!(off <= bound(test, &first.item[i])))
            fail_msg("%s, n = %lld: %s is off by %.3g of its norm", evaluate ? "evaluation" : "training", (long long)n,
                     first.item[i].name, off);
    }
    static const int threads[] = {2, 3, 8};
    for (int i = 0; i < 3; i++) {
        struct results again = run(test, test->backend, n, threads[i], evaluate);
        results_equal(&again, &first, "another number of threads");
        results_release(&again);
    }
    results_release(&expected), results_release(&first);
}

static void agrees_with_the_reference(void **state)
{
    const struct op_test *test = *state;
    const int64_t capacity = test->op_case->x.size[0];
    if (!test->backend->has_bf16) skip();
    for (int evaluate = 0; evaluate < 2; evaluate++) {
        check(test, capacity, evaluate);
        check(test, capacity - 1, evaluate);
    }
}

int main(void)
{
    return run_op_tests("bfloat16 against the reference", agrees_with_the_reference, OPS_ALL, true);
}
