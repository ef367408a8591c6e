/* What neither slopes nor PyTorch's smooth numbers show, on every backend: NaN and infinity are not swallowed, ties go
 * to the first, padding adds nothing. */
#include "tests/ops/one_node.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct backend *const backends[] = {
#define BACKEND(name) &backend_##name,
#include "engine/backends/backends.def"
#undef BACKEND
};
enum { BACKENDS = sizeof backends / sizeof *backends };

/* Runs one training call on float inputs given here. */
static bool run(struct results *results, const struct backend *backend, const struct op_case *c, const float *x)
{
    struct one_node m;
    if (!one_node_open(&m, c, (struct one_node_options){backend, .real = DTYPE_F32})) return false;
    one_node_fill(&m);
    backend->copy_in(m.device, m.call.in[0].data, x, (size_t)shape_count(c->x) * sizeof *x);
    *results = one_node_results(&m);
    one_node_close(&m);
    return true;
}

static void nan_is_not_swallowed(void **state)
{
    (void)state;
    static const enum op_id ops[] = {OP_relu, OP_relu6, OP_silu, OP_sigmoid, OP_max_pool2d, OP_avg_pool2d};
    for (int b = 0; b < BACKENDS; b++)
        for (size_t k = 0; k < sizeof ops / sizeof *ops; k++) {
            const struct op_case c = {.name = "nan", .op = ops[k], .x = {4, {1, 2, 2, 1}}, .pool = {.kernel = {2, 2}}};
            for (int at = 0; at < 4; at++) {
                float x[4] = {0.5f, -0.5f, 2, 7};
                x[at] = NAN;
                struct results results;
                if (!run(&results, backends[b], &c, x)) continue;
                const int64_t out = results.item[0].count == 1 ? 0 : at;
                if (!isnan(results.item[0].value[out]))
                    fail_msg("%s on %s turns a NaN into a number", op_at(ops[k])->name, backends[b]->name);
                results_release(&results);
            }
        }
}

static const struct result *find(const struct results *all, const char *name)
{
    for (int i = 0; i < all->count; i++)
        if (strcmp(all->item[i].name, name) == 0) return &all->item[i];
    fail_msg("no %s", name);
    return NULL;
}

/* torch: of equal maxima the first of the window has the gradient; the first of equal classes is predicted. */
static void ties_go_to_the_first(void **state)
{
    (void)state;
    const struct op_case pool = {
        .name = "tie", .op = OP_max_pool2d, .x = {4, {1, 2, 2, 1}}, .pool = {.kernel = {2, 2}}};
    const struct op_case loss = {.name = "tie", .op = OP_cross_entropy, .x = {2, {1, 4}}};
    for (int b = 0; b < BACKENDS; b++) {
        struct results results;
        if (run(&results, backends[b], &pool, (const float[]){-1, 3, 3, 3})) {
            const double *dx = find(&results, "din0")->value;
            assert_true(dx[0] == 0 && dx[1] != 0 && dx[2] == 0 && dx[3] == 0);
            results_release(&results);
        }
        if (run(&results, backends[b], &loss, (const float[]){1, 5, 5, 5})) {
            assert_true(find(&results, "out1")->value[0] == 1);
            results_release(&results);
        }
    }
}

static void padding_rows_add_nothing(void **state)
{
    (void)state;
    const struct op_case c = {.name = "padding", .op = OP_cross_entropy, .x = {2, {3, 2}}, .p = 0.1, .padded = true};
    for (int b = 0; b < BACKENDS; b++) {
        struct results results;
        if (!run(&results, backends[b], &c, (const float[]){1, 2, NAN, INFINITY, 3, 4})) continue;
        const double *loss = find(&results, "out0")->value, *dx = find(&results, "din0")->value;
        assert_true(loss[1] == 0 && dx[2] == 0 && dx[3] == 0);
        assert_true(loss[0] > 0 && dx[0] != 0);
        results_release(&results);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nan_is_not_swallowed),
        cmocka_unit_test(ties_go_to_the_first),
        cmocka_unit_test(padding_rows_add_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
