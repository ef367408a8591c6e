#include "tests/ops/cases.h"

#include "data/base/memory.h"
#include "engine/graph/fuse.h"
#include "engine/ops/batch_norm.h"
#include "tests/train/formula.h"

#include <math.h>
#include <stdio.h>

#define X2(n, c)                                                                                                       \
    {                                                                                                                  \
        2,                                                                                                             \
        {                                                                                                              \
            n, c                                                                                                       \
        }                                                                                                              \
    }
#define X3(n, s, c)                                                                                                    \
    {                                                                                                                  \
        3,                                                                                                             \
        {                                                                                                              \
            n, s, c                                                                                                    \
        }                                                                                                              \
    }
#define X4(n, h, w, c)                                                                                                 \
    {                                                                                                                  \
        4,                                                                                                             \
        {                                                                                                              \
            n, h, w, c                                                                                                 \
        }                                                                                                              \
    }

/* ---- rows ---- */

#define CONV(id, shape, ...)                                                                                           \
    {                                                                                                                  \
        .name = "conv2d_" id, .op = OP_conv2d, .x = shape, .conv = { __VA_ARGS__ }                                     \
    }
#define CONVL(id, shape, ...)                                                                                          \
    {                                                                                                                  \
        .name = "conv2d_" id, .op = OP_conv2d, .x = shape, .conv = {__VA_ARGS__}, .large = true                        \
    }
#define MAX(id, shape, ...)                                                                                            \
    {                                                                                                                  \
        .name = "max_pool2d_" id, .op = OP_max_pool2d, .x = shape, .pool = { __VA_ARGS__ }                             \
    }
#define AVG(id, shape, ...)                                                                                            \
    {                                                                                                                  \
        .name = "avg_pool2d_" id, .op = OP_avg_pool2d, .x = shape, .pool = { __VA_ARGS__ }                             \
    }
#define SAME(h, w) .kernel = {h, w}, .padding = PADDING_SAME

const struct op_case op_cases[] = {
    {.name = "normalize", .op = OP_normalize, .x = X4(3, 4, 5, 3)},

    CONV("1x1", X4(3, 4, 3, 5), .out_channels = 7, .kernel = {1, 1}),
    CONV("1x1_bias", X4(3, 1, 1, 6), .out_channels = 4, .kernel = {1, 1}, .bias = true),
    CONV("1x1_stride", X4(2, 5, 6, 3), .out_channels = 4, .kernel = {1, 1}, .stride = {2, 2}),
    CONV("3x3", X4(3, 5, 4, 3), .out_channels = 4, .kernel = {3, 3}, .pad = {1, 1}, .bias = true),
    CONV("3x3_valid", X4(2, 5, 6, 2), .out_channels = 3, .kernel = {3, 3}),
    CONV("3x3_stride", X4(3, 6, 5, 3), .out_channels = 4, .kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1}),
    CONV("uneven", X4(2, 7, 5, 2), .out_channels = 3, .kernel = {2, 3}, .stride = {3, 1}, .pad = {1, 2}, .bias = true),
    CONV("groups", X4(2, 4, 5, 6), .out_channels = 9, .kernel = {3, 3}, .pad = {1, 1}, .groups = 3, .bias = true),
    CONV("depthwise", X4(3, 5, 4, 6), .out_channels = 6, .kernel = {3, 3}, .pad = {1, 1}, .groups = 6),
    CONV("depthwise_5x5_stride", X4(2, 6, 7, 4), .out_channels = 4, .kernel = {5, 5}, .stride = {2, 2}, .pad = {2, 2},
         .groups = 4, .bias = true),
    CONV("depthwise_multiplier", X4(2, 5, 4, 3), .out_channels = 6, .kernel = {3, 3}, .pad = {1, 1}, .groups = 3),
    CONV("same", X4(2, 5, 6, 3), .out_channels = 4, SAME(3, 3)),
    CONV("same_stride", X4(2, 6, 5, 3), .out_channels = 4, .stride = {2, 2}, SAME(3, 3)),
    CONV("same_even_kernel", X4(2, 5, 4, 2), .out_channels = 3, SAME(2, 4)),
    CONV("same_depthwise", X4(2, 7, 6, 4), .out_channels = 4, .stride = {2, 2}, .groups = 4, SAME(5, 5)),
    CONV("same_wide_stride", X4(2, 7, 8, 2), .out_channels = 3, .stride = {3, 4}, SAME(1, 2)),

    {.name = "linear", .op = OP_linear, .x = X2(4, 6), .linear = {.out_features = 5}},
    {.name = "linear_tokens", .op = OP_linear, .x = X3(3, 4, 5), .linear = {.out_features = 6, .bias = true}},
    {.name = "linear_pixels", .op = OP_linear, .x = X4(2, 3, 2, 5), .linear = {.out_features = 4, .bias = true}},
    {.name = "linear_bias", .op = OP_linear, .x = X2(3, 7), .linear = {.out_features = 4, .bias = true}},

    {.name = "batch_norm", .op = OP_batch_norm, .x = X4(3, 4, 3, 5), .low = -1, .high = 2},
    {.name = "batch_norm_options", .op = OP_batch_norm, .x = X4(4, 2, 3, 3), .norm = {.eps = 0.1, .momentum = 0.3}},
    {.name = "batch_norm_1x1", .op = OP_batch_norm, .x = X4(5, 1, 1, 4)},
    {.name = "batch_norm_frozen", .op = OP_batch_norm, .x = X4(3, 3, 4, 4), .frozen = true},
    {.name = "conv_norm", .op = OP_conv_norm, .x = X4(3, 4, 3, 5), .conv = {.out_channels = 7, .kernel = {1, 1}}},
    {.name = "conv_norm_silu",
     .op = OP_conv_norm,
     .x = X4(3, 4, 3, 5),
     .conv = {.out_channels = 7, .kernel = {1, 1}},
     .behind = OP_silu},
    {.name = "batch_norm_silu", .op = OP_batch_norm, .x = X4(3, 4, 3, 5), .low = -1, .high = 2, .behind = OP_silu},
    {.name = "batch_norm_hardswish",
     .op = OP_batch_norm,
     .x = X4(3, 4, 3, 5),
     .low = -3,
     .high = 4,
     .behind = OP_hardswish},

    {.name = "relu", .op = OP_relu, .x = X4(3, 4, 5, 3), .kinks = 1},
    {.name = "relu_rows", .op = OP_relu, .x = X2(4, 9), .kinks = 1},
    {.name = "relu6", .op = OP_relu6, .x = X4(3, 4, 5, 3), .low = -5, .high = 11, .kink = {0, 6}, .kinks = 2},
    {.name = "silu", .op = OP_silu, .x = X4(3, 4, 5, 3), .low = -6, .high = 6},
    {.name = "silu_rows", .op = OP_silu, .x = X2(3, 7), .low = -20, .high = 20},
    {.name = "sigmoid", .op = OP_sigmoid, .x = X4(3, 1, 1, 6), .low = -8, .high = 8},

    {.name = "hardsigmoid",
     .op = OP_hardsigmoid,
     .x = X4(3, 4, 5, 3),
     .low = -5,
     .high = 5,
     .kink = {-3, 3},
     .kinks = 2},
    {.name = "hardswish", .op = OP_hardswish, .x = X4(3, 4, 5, 3), .low = -5, .high = 5, .kink = {-3, 3}, .kinks = 2},
    {.name = "hardswish_rows", .op = OP_hardswish, .x = X2(3, 7), .low = -5, .high = 5, .kink = {-3, 3}, .kinks = 2},

    {.name = "gelu", .op = OP_gelu, .x = X4(3, 4, 5, 3), .low = -5, .high = 5},
    {.name = "gelu_large", .op = OP_gelu, .x = X4(9, 17, 13, 7), .low = -30, .high = 30, .large = true},

    {.name = "layer_norm", .op = OP_layer_norm, .x = X4(3, 2, 3, 7), .norm = {.eps = 1e-6}},
    {.name = "layer_norm_tokens", .op = OP_layer_norm, .x = X3(3, 4, 6), .low = 2, .high = 5, .norm = {.eps = 1e-3}},
    {.name = "layer_norm_rows", .op = OP_layer_norm, .x = X2(4, 5), .norm = {.eps = 1e-5}},
    {.name = "layer_norm_frozen", .op = OP_layer_norm, .x = X2(3, 5), .norm = {.eps = 1e-5}, .frozen = true},
    {.name = "layer_norm_large", .op = OP_layer_norm, .x = X4(9, 5, 7, 77), .norm = {.eps = 1e-6}, .large = true},
    {.name = "attention", .op = OP_attention, .x = X3(2, 5, 18), .low = -2, .high = 2, .out = {2}},
    {.name = "attention_one_head", .op = OP_attention, .x = X3(3, 4, 9), .low = -3, .high = 3, .out = {1}},
    {.name = "attention_large",
     .op = OP_attention,
     .x = X3(3, 50, 192),
     .low = -4,
     .high = 4,
     .out = {4},
     .large = true},
    {.name = "tokens", .op = OP_tokens, .x = X4(3, 2, 3, 5)},
    {.name = "tokens_large", .op = OP_tokens, .x = X4(9, 5, 7, 77), .large = true},
    {.name = "first_token", .op = OP_first_token, .x = X3(3, 4, 5)},
    {.name = "first_token_large", .op = OP_first_token, .x = X3(9, 50, 77), .large = true},
    {.name = "scale", .op = OP_scale, .x = X4(3, 2, 3, 5)},
    {.name = "scale_large", .op = OP_scale, .x = X4(9, 5, 7, 77), .large = true},

    {.name = "add", .op = OP_add, .x = X4(3, 4, 3, 5), .b = X4(3, 4, 3, 5)},
    {.name = "add_spread", .op = OP_add, .x = X4(3, 4, 3, 5), .b = X4(3, 1, 1, 5)},
    {.name = "mul", .op = OP_mul, .x = X4(3, 4, 3, 5), .b = X4(3, 4, 3, 5)},
    {.name = "mul_spread", .op = OP_mul, .x = X4(3, 4, 3, 5), .b = X4(3, 1, 1, 5)},
    {.name = "mul_rows", .op = OP_mul, .x = X2(4, 7), .b = X2(4, 7)},

    MAX("2x2", X4(2, 6, 4, 3), .kernel = {2, 2}),
    MAX("3x3_stride_pad", X4(2, 7, 6, 3), .kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1}),
    MAX("ceil", X4(2, 6, 5, 2), .kernel = {3, 2}, .stride = {2, 2}, .ceil_mode = true),
    MAX("ceil_pad", X4(2, 5, 6, 2), .kernel = {3, 3}, .stride = {3, 2}, .pad = {1, 1}, .ceil_mode = true),
    MAX("overlap", X4(2, 5, 4, 2), .kernel = {3, 3}, .stride = {1, 1}, .pad = {1, 0}),

    AVG("2x2", X4(2, 6, 4, 3), .kernel = {2, 2}),
    AVG("pad", X4(2, 7, 6, 3), .kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1}),
    AVG("exclude_pad", X4(2, 7, 6, 3), .kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1}, .exclude_pad = true),
    AVG("ceil", X4(2, 6, 5, 2), .kernel = {3, 2}, .stride = {2, 2}, .pad = {1, 1}, .ceil_mode = true),
    AVG("ceil_exclude_pad", X4(2, 6, 5, 2), .kernel = {3, 2}, .stride = {2, 2}, .pad = {1, 1}, .ceil_mode = true,
        .exclude_pad = true),

    {.name = "adaptive_avg_pool2d_1x1", .op = OP_adaptive_avg_pool2d, .x = X4(3, 5, 4, 6), .out = {1, 1}},
    {.name = "adaptive_avg_pool2d_3x2", .op = OP_adaptive_avg_pool2d, .x = X4(2, 7, 5, 3), .out = {3, 2}},
    {.name = "adaptive_avg_pool2d_grow", .op = OP_adaptive_avg_pool2d, .x = X4(2, 3, 4, 2), .out = {7, 4}},

    {.name = "flatten", .op = OP_flatten, .x = X4(3, 2, 3, 4)},

    {.name = "dropout", .op = OP_dropout, .x = X2(4, 50), .p = 0.3},
    {.name = "dropout_pictures", .op = OP_dropout, .x = X4(3, 4, 3, 5), .p = 0.5},
    {.name = "dropout_none", .op = OP_dropout, .x = X2(3, 9), .p = 0},
    {.name = "stochastic_depth", .op = OP_stochastic_depth, .x = X4(8, 2, 3, 2), .p = 0.4},

    {.name = "cross_entropy", .op = OP_cross_entropy, .x = X2(4, 5), .low = -4, .high = 4},
    {.name = "cross_entropy_smooth", .op = OP_cross_entropy, .x = X2(3, 7), .p = 0.1, .low = -4, .high = 4},
    {.name = "cross_entropy_padded", .op = OP_cross_entropy, .x = X2(4, 5), .p = 0.2, .padded = true},
    {.name = "cross_entropy_far", .op = OP_cross_entropy, .x = X2(3, 6), .low = -900, .high = 900},

    /* sizes as in EfficientNets and ResNets, ragged in channels and pixels, to reach the edges of blocked kernels */
    {.name = "normalize_large", .op = OP_normalize, .x = X4(9, 31, 33, 3), .large = true},
    CONVL("expand", X4(9, 13, 11, 16), .out_channels = 96, .kernel = {1, 1}),
    CONVL("project", X4(5, 14, 13, 144), .out_channels = 40, .kernel = {1, 1}),
    CONVL("ragged", X4(10, 9, 7, 37), .out_channels = 51, .kernel = {1, 1}, .bias = true),
    CONVL("squeeze", X4(17, 1, 1, 240), .out_channels = 10, .kernel = {1, 1}, .bias = true),
    CONVL("excite", X4(17, 1, 1, 10), .out_channels = 240, .kernel = {1, 1}, .bias = true),
    CONVL("1x1_stride_large", X4(5, 15, 14, 24), .out_channels = 48, .kernel = {1, 1}, .stride = {2, 2}),
    CONVL("stem", X4(9, 32, 31, 3), .out_channels = 32, .kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1}),
    CONVL("stem_same", X4(5, 33, 32, 3), .out_channels = 32, .stride = {2, 2}, SAME(3, 3)),
    CONVL("stem_7x7", X4(5, 29, 30, 3), .out_channels = 64, .kernel = {7, 7}, .stride = {2, 2}, .pad = {3, 3}),
    CONVL("3x3_large", X4(9, 10, 11, 24), .out_channels = 40, .kernel = {3, 3}, .pad = {1, 1}),
    CONVL("3x3_large_stride", X4(9, 11, 10, 20), .out_channels = 33, .kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1}),
    CONVL("3x3_tiles", X4(9, 10, 11, 40), .out_channels = 104, .kernel = {3, 3}, .pad = {1, 1}, .bias = true),
    CONVL("3x3_tiles_valid", X4(5, 13, 14, 200), .out_channels = 37, .kernel = {3, 3}),
    CONVL("3x3_tiles_groups", X4(9, 9, 8, 96), .out_channels = 68, .kernel = {3, 3}, .pad = {1, 1}, .groups = 2),
    CONVL("groups_large", X4(9, 9, 8, 24), .out_channels = 36, .kernel = {3, 3}, .pad = {1, 1}, .groups = 4),
    CONVL("depthwise_large", X4(9, 15, 17, 40), .out_channels = 40, .kernel = {3, 3}, .pad = {1, 1}, .groups = 40),
    CONVL("depthwise_large_stride", X4(9, 9, 37, 33), .out_channels = 33, .kernel = {3, 3}, .stride = {2, 2},
          .pad = {1, 1}, .groups = 33, .bias = true),
    CONVL("depthwise_large_5x5", X4(9, 7, 23, 120), .out_channels = 120, .kernel = {5, 5}, .pad = {2, 2},
          .groups = 120),
    CONVL("depthwise_large_same", X4(9, 14, 13, 96), .out_channels = 96, .stride = {2, 2}, .groups = 96, SAME(5, 5)),
    {.name = "linear_tokens_large",
     .op = OP_linear,
     .x = X3(9, 50, 77),
     .linear = {.out_features = 129, .bias = true},
     .large = true},
    {.name = "linear_large",
     .op = OP_linear,
     .x = X2(33, 515),
     .linear = {.out_features = 101, .bias = true},
     .large = true},
    {.name = "batch_norm_large", .op = OP_batch_norm, .x = X4(17, 14, 13, 40), .low = 2, .high = 4, .large = true},
    {.name = "batch_norm_large_relu", .op = OP_batch_norm, .x = X4(9, 14, 13, 40), .behind = OP_relu, .large = true},
    {.name = "batch_norm_large_silu", .op = OP_batch_norm, .x = X4(9, 13, 11, 33), .behind = OP_silu, .large = true},
    {.name = "conv_norm_large",
     .op = OP_conv_norm,
     .x = X4(9, 17, 16, 24),
     .conv = {.out_channels = 40, .kernel = {1, 1}},
     .behind = OP_silu,
     .large = true},
    {.name = "conv_norm_large_narrow",
     .op = OP_conv_norm,
     .x = X4(17, 13, 11, 208),
     .conv = {.out_channels = 17, .kernel = {1, 1}},
     .large = true},
    {.name = "conv_norm_large_wide",
     .op = OP_conv_norm,
     .x = X4(9, 15, 15, 33),
     .conv = {.out_channels = 300, .kernel = {1, 1}},
     .behind = OP_relu,
     .large = true},
    {.name = "batch_norm_large_frozen", .op = OP_batch_norm, .x = X4(9, 7, 7, 33), .frozen = true, .large = true},
    {.name = "relu_large", .op = OP_relu, .x = X4(9, 17, 13, 7), .large = true},
    {.name = "relu6_large", .op = OP_relu6, .x = X4(9, 17, 13, 7), .low = -5, .high = 11, .large = true},
    {.name = "hardsigmoid_large",
     .op = OP_hardsigmoid,
     .x = X4(9, 13, 11, 33),
     .low = -5,
     .high = 5,
     .kink = {-3, 3},
     .kinks = 2,
     .large = true},
    {.name = "hardswish_large",
     .op = OP_hardswish,
     .x = X4(9, 13, 11, 33),
     .low = -5,
     .high = 5,
     .kink = {-3, 3},
     .kinks = 2,
     .large = true},
    {.name = "silu_large", .op = OP_silu, .x = X4(9, 17, 13, 7), .low = -100, .high = 100, .large = true},
    {.name = "sigmoid_large", .op = OP_sigmoid, .x = X4(33, 1, 1, 240), .low = -100, .high = 100, .large = true},
    {.name = "add_large", .op = OP_add, .x = X4(9, 17, 13, 7), .b = X4(9, 17, 13, 7), .large = true},
    {.name = "add_large_spread", .op = OP_add, .x = X4(9, 17, 13, 24), .b = X4(9, 1, 1, 24), .large = true},
    {.name = "mul_large", .op = OP_mul, .x = X4(9, 17, 13, 7), .b = X4(9, 17, 13, 7), .large = true},
    {.name = "mul_large_spread", .op = OP_mul, .x = X4(9, 17, 13, 33), .b = X4(9, 1, 1, 33), .large = true},
    {.name = "max_pool2d_large",
     .op = OP_max_pool2d,
     .x = X4(9, 19, 18, 33),
     .pool = {.kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1}},
     .large = true},
    {.name = "avg_pool2d_large",
     .op = OP_avg_pool2d,
     .x = X4(9, 19, 18, 33),
     .pool = {.kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1}},
     .large = true},
    {.name = "adaptive_avg_pool2d_large",
     .op = OP_adaptive_avg_pool2d,
     .x = X4(9, 14, 13, 40),
     .out = {1, 1},
     .large = true},
    {.name = "flatten_large", .op = OP_flatten, .x = X4(9, 7, 6, 33), .large = true},
    {.name = "dropout_large", .op = OP_dropout, .x = X2(33, 1281), .p = 0.2, .large = true},
    {.name = "stochastic_depth_large", .op = OP_stochastic_depth, .x = X4(33, 7, 7, 24), .p = 0.2, .large = true},
    {.name = "cross_entropy_large",
     .op = OP_cross_entropy,
     .x = X2(33, 1000),
     .p = 0.1,
     .low = -9,
     .high = 9,
     .large = true},
};
const int op_case_count = sizeof op_cases / sizeof *op_cases;

/* ---- graphs ---- */

typedef struct value *builder(struct graph *g, const struct op_case *c, struct value *x, const char *layer);

static struct value *build_normalize(struct graph *g, const struct op_case *c, struct value *x, const char *layer)
{
    (void)c;
    return normalize(g, x, layer, (double[]){0.485, 0.456, 0.406}, (double[]){0.229, 0.224, 0.225});
}
static struct value *build_conv2d(struct graph *g, const struct op_case *c, struct value *x, const char *layer)
{
    return conv2d(g, x, layer, c->conv);
}
static struct value *build_linear(struct graph *g, const struct op_case *c, struct value *x, const char *layer)
{
    return linear(g, x, layer, c->linear);
}
static struct value *build_batch_norm(struct graph *g, const struct op_case *c, struct value *x, const char *layer)
{
    x = batch_norm(g, x, layer, c->norm);
    if (x && c->behind != OP_normalize)
        ((struct batch_norm_numbers *)x->producer->options)->activation = op_at(c->behind);
    return x;
}
/* The two ops, made one as the fusing pass does. */
static struct value *build_conv_norm(struct graph *g, const struct op_case *c, struct value *x, const char *layer)
{
    struct value *y = build_batch_norm(g, c, conv2d(g, x, "convolution", c->conv), layer);
    if (y) graph_join(g, 0);
    return y;
}
static struct value *build_add(struct graph *g, const struct op_case *c, struct value *x, const char *layer)
{
    return add(g, x, graph_input(g, "in1", DTYPE_REAL, c->b), layer);
}
static struct value *build_mul(struct graph *g, const struct op_case *c, struct value *x, const char *layer)
{
    return mul(g, x, graph_input(g, "in1", DTYPE_REAL, c->b), layer);
}
static struct value *build_max_pool2d(struct graph *g, const struct op_case *c, struct value *x, const char *layer)
{
    return max_pool2d(g, x, layer, c->pool);
}
static struct value *build_avg_pool2d(struct graph *g, const struct op_case *c, struct value *x, const char *layer)
{
    return avg_pool2d(g, x, layer, c->pool);
}
static struct value *build_adaptive_avg_pool2d(struct graph *g, const struct op_case *c, struct value *x,
                                               const char *layer)
{
    return adaptive_avg_pool2d(g, x, layer, c->out[0], c->out[1]);
}
static struct value *build_dropout(struct graph *g, const struct op_case *c, struct value *x, const char *layer)
{
    return dropout(g, x, layer, c->p);
}
static struct value *build_stochastic_depth(struct graph *g, const struct op_case *c, struct value *x,
                                            const char *layer)
{
    return stochastic_depth(g, x, layer, c->p);
}
static struct value *build_cross_entropy(struct graph *g, const struct op_case *c, struct value *x, const char *layer)
{
    return cross_entropy(g, x, graph_input(g, "in1", DTYPE_I32, SHAPE(c->x.size[0])), layer, c->p);
}

/* Ops without options. */
#define PLAIN(name)                                                                                                    \
    static struct value *build_##name(struct graph *g, const struct op_case *c, struct value *x, const char *layer)    \
    {                                                                                                                  \
        (void)c;                                                                                                       \
        return name(g, x, layer);                                                                                      \
    }
PLAIN(relu)
PLAIN(relu6)
PLAIN(silu)
PLAIN(sigmoid)
PLAIN(hardsigmoid)
PLAIN(hardswish)
PLAIN(gelu)
PLAIN(first_token)

static struct value *build_attention(struct graph *g, const struct op_case *c, struct value *x, const char *layer)
{
    return attention(g, x, layer, c->out[0]);
}
static struct value *build_tokens(struct graph *g, const struct op_case *c, struct value *x, const char *layer)
{
    (void)c, (void)layer;
    return tokens(g, x, "class_token", "positions");
}

static struct value *build_layer_norm(struct graph *g, const struct op_case *c, struct value *x, const char *layer)
{
    return layer_norm(g, x, layer, c->norm.eps);
}
static struct value *build_scale(struct graph *g, const struct op_case *c, struct value *x, const char *layer)
{
    (void)c;
    return scale(g, x, layer, "layer_scale", 1);
}
PLAIN(flatten)

static builder *const builders[OP_COUNT] = {
#define OP(name) [OP_##name] = build_##name,
#include "engine/ops/ops.def"
#undef OP
};

struct node *op_case_build(struct graph *g, const struct op_case *self, const char *layer)
{
    struct value *x = graph_input(g, "in0", self->op == OP_normalize ? DTYPE_U8 : DTYPE_REAL, self->x);
    struct value *out = builders[self->op](g, self, x, layer);
    if (!out) return NULL;
    for (size_t i = 0; i < g->value_count; i++)
        if (g->value[i]->kind == VALUE_PARAMETER) g->value[i]->frozen = self->frozen;
    return out->producer;
}

/* ---- numbers ---- */

static double spread_over(const struct op_case *self, const char *what, int64_t i, double low, double high)
{
    char name[96];
    snprintf(name, sizeof name, "%s.%s", self->name, what);
    return low + (high - low) * formula_u(formula_hash(name), (uint64_t)i);
}

static double main_input(const struct op_case *self, int64_t i)
{
    const bool given = self->low < self->high;
    double v = spread_over(self, "in0", i, given ? self->low : -1, given ? self->high : 1);
    for (int k = 0; k < self->kinks; k++)
        if (fabs(v - self->kink[k]) < 0.05) v += 0.1;
    return v;
}

double op_case_input(const struct op_case *self, const struct value *input, int k, int64_t i)
{
    char what[8];
    if (input->dtype == DTYPE_U8) return floor(spread_over(self, "in0", i, 0, 256));
    if (input->dtype == DTYPE_I32) return self->padded && i == 1 ? -1 : (double)((7 * i + 3) % self->x.size[1]);
    if (input->dtype == DTYPE_I64) return 0;
    if (k == 0) return main_input(self, i);
    snprintf(what, sizeof what, "in%d", k);
    const int weight = self->op == OP_batch_norm ? 1 : 2; /* the norm's; its variance is 3 behind */
    const bool has_norm = self->op == OP_batch_norm || self->op == OP_conv_norm,
               positive = has_norm && (k == weight || k == weight + 3);
    return spread_over(self, what, i, positive ? 0.5 : -1, positive ? 1.5 : 1);
}

double op_case_dout(const struct op_case *self, int64_t i)
{
    return spread_over(self, "dout0", i, -1, 1);
}

int64_t torch_index(struct shape shape, int64_t i)
{
    if (shape.rank != 4) return i;
    const int64_t *s = shape.size, c = i % s[3], pixel = i / s[3] % (s[1] * s[2]), n = i / (s[1] * s[2] * s[3]);
    return (n * s[3] + c) * s[1] * s[2] + pixel;
}
