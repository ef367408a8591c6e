/* What a graph keeps: names, units, the first error; and what builders refuse, by layer and reason. */
#include "engine/graph/graph.h"

#include "engine/ops/op.h"
#include "engine/ops/ops.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct value *picture(struct graph *g)
{
    return graph_input(g, "image", DTYPE_REAL, SHAPE(2, 8, 8, 3));
}

static const struct conv2d_options conv3x3 = {.out_channels = 4, .kernel = {3, 3}, .pad = {1, 1}, .bias = true};

static void nodes_and_names(void **state)
{
    (void)state;
    struct graph *g = graph_new(2);
    struct value *x = picture(g), *y = conv2d(g, x, "features.0", conv3x3);
    graph_unit(g);
    y = batch_norm(g, y, "features.1", (struct batch_norm_options){.zero_init = true});
    y = relu(g, y, "features.2");
    assert_int_equal(graph_status(g), LT_OK);
    assert_int_equal(g->node_count, 3);
    for (size_t i = 0; i < g->node_count; i++) assert_int_equal(g->node[i]->id, i);
    for (size_t i = 0; i < g->value_count; i++) assert_int_equal(g->value[i]->id, i);
    assert_ptr_equal(y->producer, g->node[2]);
    assert_true(shape_equal(y->shape, SHAPE(2, 8, 8, 4)));

    const struct value *weight = graph_find(g, "features.0.weight");
    assert_true(weight->kind == VALUE_PARAMETER && shape_equal(weight->shape, SHAPE(4, 3, 3, 3)));
    assert_int_equal(weight->unit, 0);
    assert_int_equal(graph_find(g, "features.1.weight")->unit, 1);
    assert_int_equal(graph_find(g, "features.1.weight")->init.kind, INIT_ZEROS);
    assert_int_equal(graph_find(g, "features.1.running_var")->kind, VALUE_BUFFER);
    assert_int_equal(graph_find(g, "features.1.num_batches_tracked")->dtype, DTYPE_I64);
    assert_null(graph_find(g, "features.2.weight"));
    graph_free(g);
    graph_free(NULL);
}

static void the_first_error_stays(void **state)
{
    (void)state;
    struct graph *g = graph_new(2);
    struct value *x = picture(g);
    struct value *bad = first_token(g, x, "classifier.1");
    assert_null(bad);
    assert_null(relu(g, bad, "after"));
    assert_null(flatten(g, x, "fine.by.itself"));
    assert_null(conv2d(g, x, "later", (struct conv2d_options){0}));
    (void)lt_fail(LT_EIO, "something else in between");
    assert_int_equal(graph_status(g), LT_ESHAPE);
    assert_string_equal(lt_message(), "layer classifier.1: first_token needs real numbers [n, s, c], not [2, 8, 8, 3]");
    graph_free(g);
}

static void names_are_used_once(void **state)
{
    (void)state;
    struct graph *g = graph_new(2);
    struct value *x = conv2d(g, picture(g), "stem", conv3x3);
    assert_non_null(x);
    assert_null(conv2d(g, x, "stem", conv3x3));
    assert_int_not_equal(graph_status(g), LT_OK);
    assert_non_null(strstr(lt_message(), "stem.weight is used twice"));
    graph_free(g);
}

static void freezing_by_pattern(void **state)
{
    (void)state;
    struct graph *g = graph_new(2);
    struct value *x = conv2d(g, picture(g), "features.0.0", conv3x3);
    x = batch_norm(g, x, "features.0.1", (struct batch_norm_options){0});
    x = conv2d(g, x, "features.10.0", conv3x3);
    char *pattern[] = {"features.0.*", "*.bias", "classifier.*"};
    int64_t matched[3];
    graph_freeze(g, pattern, 3, matched);
    assert_int_equal(matched[0], 4); /* buffers do not count */
    assert_int_equal(matched[1], 3);
    assert_int_equal(matched[2], 0);
    assert_true(graph_find(g, "features.0.1.weight")->frozen);
    assert_true(graph_find(g, "features.10.0.bias")->frozen);
    assert_false(graph_find(g, "features.10.0.weight")->frozen);
    assert_false(graph_find(g, "features.0.1.running_mean")->frozen);
    graph_free(g);
}

/* ---- what builders refuse ---- */

static const double half[3] = {0.5, 0.5, 0.5}, zero[3] = {0.5, 0, 0.5};

static struct value *bytes(struct graph *g)
{
    return graph_input(g, "bytes", DTYPE_U8, SHAPE(2, 8, 8, 3));
}
static struct value *row(struct graph *g)
{
    return graph_input(g, "row", DTYPE_REAL, SHAPE(2, 5));
}
static struct value *conv(struct graph *g, struct conv2d_options options)
{
    return conv2d(g, picture(g), "layer", options);
}
static struct value *window(struct graph *g, struct pool_options options)
{
    return max_pool2d(g, picture(g), "layer", options);
}
static struct value *loss(struct graph *g, enum dtype dtype, int64_t rows, double smoothing)
{
    return cross_entropy(g, row(g), graph_input(g, "target", dtype, SHAPE(rows)), "layer", smoothing);
}

/* Each returns NULL and says why; in the order of `reasons`. */
static struct value *refused(struct graph *g, int which)
{
    switch (which) {
    case 0: return conv2d(g, bytes(g), "layer", conv3x3);
    case 1: return conv2d(g, row(g), "layer", conv3x3);
    case 2: return conv(g, (struct conv2d_options){.out_channels = 4, .kernel = {11, 1}, .pad = {1, 1}});
    case 3: return conv(g, (struct conv2d_options){.out_channels = 4, .kernel = {1, 1}, .groups = 2});
    case 4: return conv(g, (struct conv2d_options){.out_channels = 0, .kernel = {1, 1}});
    case 5: return conv(g, (struct conv2d_options){.out_channels = 4, .kernel = {0, 1}});
    case 6: return conv(g, (struct conv2d_options){.out_channels = 4, .kernel = {1, 1}, .stride = {-1, 1}});
    case 7: return linear(g, row(g), "layer", (struct linear_options){.out_features = 0});
    case 8: return batch_norm(g, row(g), "layer", (struct batch_norm_options){0});
    case 9: return silu(g, bytes(g), "layer");
    case 10: return add(g, picture(g), row(g), "layer");
    case 11: return mul(g, graph_input(g, "gate", DTYPE_REAL, SHAPE(2, 1, 1, 3)), picture(g), "layer");
    case 12: return window(g, (struct pool_options){.kernel = {9, 2}});
    case 13: return window(g, (struct pool_options){.kernel = {2, 2}, .pad = {2, 0}});
    case 14: return window(g, (struct pool_options){.kernel = {2, 0}});
    case 15: return adaptive_avg_pool2d(g, picture(g), "layer", 0, 1);
    case 16: return flatten(g, row(g), "layer");
    case 17: return dropout(g, row(g), "layer", 1.5);
    case 18: return stochastic_depth(g, picture(g), "layer", NAN);
    case 19: return normalize(g, picture(g), "layer", half, half);
    case 20: return normalize(g, bytes(g), "layer", half, zero);
    case 21: return loss(g, DTYPE_I64, 2, 0);
    case 22: return loss(g, DTYPE_I32, 3, 0);
    default: return loss(g, DTYPE_I32, 2, 1.01);
    }
}

static const char *const reasons[] = {
    "real numbers [n, h, w, c], not U8 [2, 8, 8, 3]",
    "real numbers [n, h, w, c], not [2, 5]",
    "smaller than the kernel (11x1)",
    "2 groups do not divide the channels 3 -> 4",
    "at least 1",
    "at least 1",
    "at least 1",
    "at least one output, not 0",
    "batch_norm needs real numbers [n, h, w, c], not [2, 5]",
    "silu needs real numbers, not U8",
    "[2, 8, 8, 3] and [2, 5] do not fit together",
    "[2, 1, 1, 3] and [2, 8, 8, 3] do not fit together",
    "a window of 9x2",
    "a window of 2x2",
    "a window of 2x0",
    "pooling to 0x1",
    "flatten needs real numbers [n, h, w, c]",
    "dropout drops with a probability from 0 to 1, not 1.5",
    "stochastic_depth drops",
    "needs bytes [n, h, w, 3]",
    "std, so it must be above 0, not 0",
    "i32 targets [n], not [2, 5] and [2]",
    "not [2, 5] and [3]",
    "label smoothing goes from 0 to 1, not 1.01",
};

static void builders_say_what_is_wrong(void **state)
{
    (void)state;
    for (int i = 0; i < (int)(sizeof reasons / sizeof *reasons); i++) {
        struct graph *g = graph_new(2);
        assert_null(refused(g, i));
        assert_int_not_equal(graph_status(g), LT_OK);
        if (strncmp(lt_message(), "layer layer: ", 13) != 0 || strstr(lt_message(), reasons[i]) == NULL)
            fail_msg("case %d says '%s', not '%s'", i, lt_message(), reasons[i]);
        graph_free(g);
    }
}

static void every_op_knows_its_row(void **state)
{
    (void)state;
    for (int id = 0; id < OP_COUNT; id++) assert_int_equal(op_id(op_at((enum op_id)id)), id);
    assert_string_equal(op_at(OP_conv2d)->name, "conv2d");
}

/* Multiply-adds by hand: output elements times what each of them sums. */
static void work_is_counted(void **state)
{
    (void)state;
    struct graph *g = graph_new(2);
    struct value *x = conv2d(
        g, picture(g), "a",
        (struct conv2d_options){.out_channels = 6, .kernel = {3, 5}, .stride = {2, 1}, .padding = PADDING_SAME});
    assert_true(shape_equal(x->shape, SHAPE(2, 4, 8, 6)));
    assert_int_equal(op_conv2d.macs(x->producer), 2 * 4 * 8 * 6 * 3 * 5 * 3);
    x = conv2d(g, x, "b", (struct conv2d_options){.out_channels = 12, .kernel = {3, 3}, .groups = 6});
    assert_int_equal(op_conv2d.macs(x->producer), 2 * 2 * 6 * 12 * 3 * 3);
    x = linear(g, flatten(g, x, "c"), "d", (struct linear_options){.out_features = 7});
    assert_int_equal(op_linear.macs(x->producer), 2 * 7 * 2 * 6 * 12);
    graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_and_names),
        cmocka_unit_test(the_first_error_stays),
        cmocka_unit_test(names_are_used_once),
        cmocka_unit_test(freezing_by_pattern),
        cmocka_unit_test(builders_say_what_is_wrong),
        cmocka_unit_test(every_op_knows_its_row),
        cmocka_unit_test(work_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
