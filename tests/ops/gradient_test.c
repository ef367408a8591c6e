/* Every op's gradients, on the reference backend in double, are the slopes of what forward computes: central
 * differences, the norm of the difference within 1e-6 of the norm. */
#include "tests/ops/one_node.h"
#include "tests/ops/runner.h"

#include "data/base/memory.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* What backward is the gradient of: sum of dout * out, or of weight * loss where the pass starts. */
static double objective(struct one_node *m)
{
    const struct tensor out = m->call.out[0];
    const double *y = out.data, *dy = m->call.dout[0].data;
    double sum = 0;
    one_node_forward(m);
    for (int64_t i = 0; i < shape_count(out.shape); i++)
        sum += y[i] * (m->op_case->op == OP_cross_entropy ? *m->step.loss_weight : dy[i]);
    return sum;
}

static void check_input(struct one_node *m, int k)
{
    const double h = 1e-5;
    const struct tensor in = m->call.in[k];
    const int64_t count = shape_count(in.shape);
    double *x = in.data, difference = 0, norm = 0;
    const double *gradient = m->call.din[k].data;
    for (int64_t i = 0; i < count; i++) {
        const double kept = x[i];
        x[i] = kept + h;
        const double above = objective(m);
        x[i] = kept - h;
        const double slope = (above - objective(m)) / (2 * h);
        x[i] = kept;
        difference += (gradient[i] - slope) * (gradient[i] - slope);
        norm += slope * slope;
    }
    const double off = sqrt(difference / norm);
    if (!(off <= 1e-6)) fail_msg("%s: the gradient of in[%d] is off by %.3g of its norm", m->op_case->name, k, off);
}

static void gradients_are_slopes(void **state)
{
    const struct op_test *test = *state;
    struct one_node m;
    int checked = 0;
    assert_true(one_node_open(&m, test->op_case, (struct one_node_options){&backend_reference, .real = DTYPE_F64}));
    one_node_fill(&m);
    one_node_forward(&m);
    if (m.kernel->backward) one_node_backward(&m);
    for (int k = 0; k < m.node->in_count; k++)
        if (m.call.din[k].data) check_input(&m, k), checked++;
    assert_true(checked > 0 || test->op_case->op == OP_normalize);
    one_node_close(&m);
}

/* An op without a row would not be tested. */
static void every_op_has_a_case(void **state)
{
    (void)state;
    int cases[OP_COUNT] = {0}, large[OP_COUNT] = {0};
    for (int i = 0; i < op_case_count; i++) (op_cases[i].large ? large : cases)[op_cases[i].op]++;
    for (int id = 0; id < OP_COUNT; id++)
        if (cases[id] == 0 || large[id] == 0)
            fail_msg("tests/ops/cases.c needs a small and a large case of %s", op_at((enum op_id)id)->name);
}

int main(void)
{
    const struct CMUnitTest whole[] = {cmocka_unit_test(every_op_has_a_case)};
    return cmocka_run_group_tests(whole, NULL, NULL) +
           run_op_tests("gradients", gradients_are_slopes, OPS_SMALL, false);
}
