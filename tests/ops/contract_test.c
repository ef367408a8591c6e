/* What plans rely on, for every op on every backend: samples that are not there are neither read nor counted; backward
 * reads only what the op says; memory may be shared where the op says so. */
#include "data/base/memory.h"
#include "tests/ops/one_node.h"
#include "tests/ops/runner.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
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

static float *copy_of(const struct one_node *m, struct tensor t, int64_t *count)
{
    *count = shape_count(t.shape) / t.shape.size[0] * m->step.n;
    float *copy = memory_new((size_t)*count, sizeof *copy);
    memcpy(copy, t.data, (size_t)*count * sizeof *copy); /* these backends work in host memory */
    return copy;
}

/* The output, spoiled after forward, comes again to the bit, and the buffers stay as they are. */
static void check_recompute(struct one_node *m)
{
    int64_t count, buffers = 0;
    one_node_fill(m);
    one_node_forward(m);
    float *first = copy_of(m, m->call.out[0], &count), mean[64];
    const struct tensor buffer = m->node->in_count > 3 ? m->call.in[3] : (struct tensor){0};
    if (buffer.data) buffers = shape_count(buffer.shape) < 64 ? shape_count(buffer.shape) : 64;
    memcpy(mean, buffers ? buffer.data : mean, (size_t)buffers * sizeof *mean);
    memset(m->call.out[0].data, 0x7f, (size_t)count * sizeof *first);
    m->kernel->recompute(&m->call, &m->step);
    assert_memory_equal(m->call.out[0].data, first, (size_t)count * sizeof *first);
    if (buffers) assert_memory_equal(mean, buffer.data, (size_t)buffers * sizeof *mean);
    free(first);
}

/* What was in din[0], and the gradient on top of it. */
static void check_backward_add(struct one_node *m)
{
    int64_t count;
    one_node_fill(m);
    one_node_forward(m);
    one_node_backward(m);
    float *gradient = copy_of(m, m->call.din[0], &count), *to = m->call.din[0].data;
    for (int64_t i = 0; i < count; i++) to[i] = (float)(i % 7) - 3;
    m->kernel->backward_add(&m->call, &m->step);
    for (int64_t i = 0; i < count; i++)
        if (!(fabsf(to[i] - ((float)(i % 7) - 3 + gradient[i])) < 1e-5f)) fail_msg("din0[%lld] is off", (long long)i);
    free(gradient);
}

static void check_extras(const struct op_test *test)
{
    struct one_node m;
    struct one_node_options options = {.backend = test->backend ? test->backend : &backend_reference,
                                       .real = DTYPE_F32};
    if (!one_node_open(&m, test->op_case, options)) return;
    if (m.kernel->recompute) check_recompute(&m);
    if (m.kernel->backward_add && m.call.din[0].data) check_backward_add(&m);
    one_node_close(&m);
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
    check_extras(test);
    if (op->in_place_backward)
        compare(test, (struct one_node_options){.in_place_backward = true}, false, "backward in place");
}

int main(void)
{
    return run_op_tests("contracts of the reference", keeps_its_word, OPS_SMALL, false) +
           run_op_tests("contracts of other backends", keeps_its_word, OPS_ALL, true);
}
