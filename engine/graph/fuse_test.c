/* What the pass fuses, and what it leaves alone; numbers are checked by the trajectories, which run fused on the cpu.
 */
#include "engine/graph/fuse.h"

#include "engine/ops/batch_norm.h"
#include "engine/ops/conv_norm.h"
#include "engine/ops/ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct value *normed(struct graph *g, struct value *x, const char *layer)
{
    return batch_norm(g, x, layer, (struct batch_norm_options){0});
}

static const struct op *behind(const struct node *node)
{
    return ((const struct batch_norm_numbers *)node->options)->activation;
}

/* Ids are places in the arrays, and every output knows its node. */
static void check_whole(const struct graph *g)
{
    for (size_t i = 0; i < g->node_count; i++) {
        assert_int_equal(g->node[i]->id, i);
        for (int k = 0; k < g->node[i]->out_count; k++) assert_ptr_equal(g->node[i]->out[k]->producer, g->node[i]);
    }
    for (size_t i = 0; i < g->value_count; i++) assert_int_equal(g->value[i]->id, i);
}

static void an_activation_goes_into_the_norm(void **state)
{
    (void)state;
    struct graph *g = graph_new(2);
    struct value *x = graph_input(g, "image", DTYPE_REAL, SHAPE(2, 3, 3, 4));
    struct value *y = silu(g, normed(g, x, "a"), "b");
    struct value *z = relu(g, normed(g, y, "c"), "d");
    graph_fuse(g, &z, 1);
    check_whole(g);
    assert_int_equal(g->node_count, 2);
    assert_ptr_equal(behind(g->node[0]), &op_silu);
    assert_ptr_equal(behind(g->node[1]), &op_relu);
    assert_ptr_equal(g->node[1]->in[0], y);
    assert_ptr_equal(z->producer, g->node[1]);
    graph_fuse(g, &z, 1); /* nothing more to do */
    assert_int_equal(g->node_count, 2);
    graph_free(g);
}

static void what_others_read_stays(void **state)
{
    (void)state;
    struct graph *g = graph_new(2);
    struct value *x = graph_input(g, "image", DTYPE_REAL, SHAPE(2, 3, 3, 4));
    struct value *two = normed(g, x, "two readers"), *kept = normed(g, x, "kept"), *norm = normed(g, x, "b of mul");
    struct value *out[] = {add(g, silu(g, two, "a"), two, "b"), kept, relu(g, kept, "c"),
                           mul(g, silu(g, x, "d"), norm, "e"), dropout(g, normed(g, x, "f"), "g", 0.5)};
    const size_t nodes = g->node_count;
    graph_fuse(g, out, 5);
    check_whole(g);
    assert_int_equal(g->node_count, nodes);
    for (size_t i = 0; i < g->node_count; i++)
        if (g->node[i]->op == &op_batch_norm) assert_null(behind(g->node[i]));
    graph_free(g);
}

static void a_second_activation_stays_a_node(void **state)
{
    (void)state;
    struct graph *g = graph_new(2);
    struct value *x = graph_input(g, "image", DTYPE_REAL, SHAPE(2, 3, 3, 4));
    struct value *y = relu(g, silu(g, normed(g, x, "a"), "b"), "c");
    graph_fuse(g, &y, 1);
    check_whole(g);
    assert_int_equal(g->node_count, 2);
    assert_ptr_equal(behind(g->node[0]), &op_silu);
    assert_ptr_equal(g->node[1]->op, &op_relu);
    graph_free(g);
}

static struct value *convolved(struct graph *g, struct value *x, const char *layer, int64_t out, int64_t kernel,
                               bool bias)
{
    return conv2d(g, x, layer,
                  (struct conv2d_options){
                      .out_channels = out, .kernel = {kernel, kernel}, .pad = {kernel / 2, kernel / 2}, .bias = bias});
}

/* A 1x1 convolution, its norm and the activation become one node; the convolution's output is kept for backward. */
static void a_convolution_joins_its_norm(void **state)
{
    (void)state;
    struct graph *g = graph_new(8);
    struct value *x = graph_input(g, "image", DTYPE_REAL, SHAPE(8, 14, 14, 4)), *z = convolved(g, x, "a", 6, 1, false),
                 *y = silu(g, normed(g, z, "b"), "c");
    graph_fuse(g, &y, 1);
    check_whole(g);
    assert_int_equal(g->node_count, 1);
    const struct node *node = g->node[0];
    const struct conv_norm_nodes *nodes = node->options;
    assert_ptr_equal(node->op, &op_conv_norm);
    assert_ptr_equal(node->out[0], y);
    assert_ptr_equal(node->saved[CONV_NORM_Z], z);
    assert_ptr_equal(behind(nodes->norm), &op_silu);
    graph_free(g);
}

/* Small batches and pictures, large weights, other kernels, biases, frozen norms and outputs stay as they are. */
static void other_convolutions_do_not(void **state)
{
    (void)state;
    struct graph *small = graph_new(7), *g = graph_new(8);
    struct value *x = graph_input(small, "image", DTYPE_REAL, SHAPE(7, 14, 14, 4));
    struct value *y = normed(small, convolved(small, x, "few samples", 6, 1, false), "n");
    graph_fuse(small, &y, 1);
    assert_int_equal(small->node_count, 2);
    graph_free(small);
    x = graph_input(g, "image", DTYPE_REAL, SHAPE(8, 14, 14, 4));
    struct value *tiny = graph_input(g, "tiny", DTYPE_REAL, SHAPE(8, 13, 13, 4)),
                 *kept = convolved(g, x, "kept", 6, 1, false), *frozen = convolved(g, x, "frozen", 6, 1, false);
    struct value *out[] = {normed(g, convolved(g, x, "3x3", 6, 3, false), "n1"),
                           normed(g, convolved(g, x, "bias", 6, 1, true), "n2"),
                           normed(g, convolved(g, tiny, "few pixels", 6, 1, false), "n3"),
                           normed(g, convolved(g, x, "many weights", 20000, 1, false), "n4"),
                           normed(g, frozen, "n5"),
                           normed(g, kept, "n6"),
                           kept};
    int64_t matched;
    graph_freeze(g, (char *[]){"n5.*"}, 1, &matched);
    assert_int_equal(matched, 2);
    graph_fuse(g, out, 7);
    check_whole(g);
    assert_int_equal(g->node_count, 12);
    graph_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_activation_goes_into_the_norm), cmocka_unit_test(what_others_read_stays),
        cmocka_unit_test(a_second_activation_stays_a_node), cmocka_unit_test(a_convolution_joins_its_norm),
        cmocka_unit_test(other_convolutions_do_not)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
