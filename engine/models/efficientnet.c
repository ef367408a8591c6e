/* EfficientNet (Tan and Le, 2019) as torchvision builds it, with its names: features.STAGE.BLOCK.block.PART…. B0 to B7
 * are one table of seven stages, scaled in width and depth.
 *
 * efficientnet_lite0 is B0 for devices without sigmoid: no squeeze-excite, relu6, TensorFlow's SAME padding. Its blocks
 * are named by the same rule, parts counted from 0 in order: without the squeeze-excite part the projection is block.2
 * (block.1 where there is no expansion). Stem and head keep B0's width. */
#include "engine/models/layers.h"

#include <math.h>

struct variant {
    double width, depth, dropout;
    bool tensorflow_norm; /* eps 1e-3, momentum 1e-2 instead of torch's: B5 to B7 and lite0 */
    bool lite;
};

static struct batch_norm_options norm_of(const struct variant *v)
{
    return v->tensorflow_norm ? (struct batch_norm_options){.eps = 1e-3, .momentum = 1e-2}
                              : (struct batch_norm_options){0};
}

/* The seven stages of B0: kernel, stride, channels in and out, and how many blocks. */
static const struct stage {
    int64_t expand, kernel, stride, in, out;
    int blocks;
} stages[] = {
    {1, 3, 1, 32, 16, 1},  {6, 3, 2, 16, 24, 2},   {6, 5, 2, 24, 40, 2},   {6, 3, 2, 40, 80, 3},
    {6, 5, 1, 80, 112, 3}, {6, 5, 2, 112, 192, 4}, {6, 3, 1, 192, 320, 1},
};
enum { STAGES = sizeof stages / sizeof stages[0] };

static int64_t scaled(const struct variant *v, int64_t channels)
{
    return divisible_by_8((double)channels * v->width);
}

static int scaled_blocks(const struct variant *v, int s)
{
    return (int)ceil(stages[s].blocks * v->depth);
}

struct block {
    int64_t expand, kernel, stride, in, out;
    double drop; /* probability that a sample skips the block */
};

/* MBConv: expand (1x1), depthwise, squeeze-excite, project (1x1), and the block's input added where shapes allow. */
static struct value *inverted_residual(struct graph *g, struct value *x, const char *layer, const struct variant *v,
                                       const struct block *b)
{
    struct value *input = x;
    const int64_t expanded = divisible_by_8((double)(b->in * b->expand));
    struct conv_norm conv = {.padding = v->lite ? PADDING_SAME : PADDING_EXPLICIT, .norm = norm_of(v)};
    int part = 0;
    conv.activation = v->lite ? relu6 : silu;
    if (expanded != b->in) {
        conv.channels = expanded, conv.kernel = 1, conv.stride = 1;
        x = conv_norm_activation(g, x, layer_name("%s.block.%d", layer, part++).text, conv);
    }
    conv.channels = conv.groups = expanded, conv.kernel = b->kernel, conv.stride = b->stride;
    x = conv_norm_activation(g, x, layer_name("%s.block.%d", layer, part++).text, conv);
    if (!v->lite)
        x = squeeze_excite(g, x, layer_name("%s.block.%d", layer, part++).text,
                           (struct squeeze_excite){expanded, b->in / 4, silu, sigmoid});
    conv.channels = b->out, conv.groups = 1, conv.kernel = 1, conv.stride = 1, conv.activation = NULL;
    x = conv_norm_activation(g, x, layer_name("%s.block.%d", layer, part).text, conv);
    if (b->stride != 1 || b->in != b->out) return x;
    if (b->drop > 0) x = stochastic_depth(g, x, layer_name("%s.stochastic_depth", layer).text, b->drop);
    return add(g, x, input, layer);
}

static struct value *build_stage(struct graph *g, struct value *x, const struct variant *v, int s, double drop_step)
{
    int before = 0; /* blocks of earlier stages: the drop probability grows with depth, from 0 */
    for (int earlier = 0; earlier < s; earlier++) before += scaled_blocks(v, earlier);
    struct block b = {stages[s].expand,        stages[s].kernel,         stages[s].stride,
                      scaled(v, stages[s].in), scaled(v, stages[s].out), 0};
    for (int i = 0; i < scaled_blocks(v, s); i++) {
        graph_unit(g);
        b.drop = drop_step * (before + i);
        x = inverted_residual(g, x, layer_name("features.%d.%d", s + 1, i).text, v, &b);
        b.in = b.out, b.stride = 1;
    }
    return x;
}

static struct value *build(struct graph *g, struct value *x, const struct model_options *options,
                           const struct variant *v)
{
    int blocks = 0;
    for (int s = 0; s < STAGES; s++) blocks += scaled_blocks(v, s);
    const double drop_step = option_or(options->stochastic_depth_prob, 0.2) / blocks;
    struct conv_norm conv = {.channels = scaled(v, stages[0].in), .kernel = 3, .stride = 2, .norm = norm_of(v)};
    conv.padding = v->lite ? PADDING_SAME : PADDING_EXPLICIT;
    conv.activation = v->lite ? relu6 : silu;
    graph_unit(g);
    x = conv_norm_activation(g, x, "features.0", conv);
    for (int s = 0; s < STAGES; s++) x = build_stage(g, x, v, s, drop_step);
    graph_unit(g);
    conv.channels = 4 * scaled(v, stages[STAGES - 1].out), conv.kernel = 1, conv.stride = 1;
    x = conv_norm_activation(g, x, layer_name("features.%d", STAGES + 1).text, conv);
    x = flatten(g, adaptive_avg_pool2d(g, x, "avgpool", 1, 1), "flatten");
    const double drop = option_or(options->dropout, v->dropout);
    if (drop > 0) x = dropout(g, x, "classifier.0", drop);
    struct linear_options head = {.out_features = options->num_classes,
                                  .bias = true,
                                  .init = {INIT_UNIFORM, 1 / sqrt((double)options->num_classes)},
                                  .bias_init = {INIT_ZEROS, 0}};
    return linear(g, x, "classifier.1", head);
}

#define EFFICIENTNET(row, size, ...)                                                                                   \
    static struct value *build_##row(struct graph *g, struct value *image, const struct model_options *options)        \
    {                                                                                                                  \
        static const struct variant variant = {__VA_ARGS__};                                                           \
        return build(g, image, options, &variant);                                                                     \
    }                                                                                                                  \
    const struct model model_efficientnet_##row = {"efficientnet_" #row, size, "classifier.1", build_##row}

EFFICIENTNET(b0, 224, 1.0, 1.0, 0.2, false, false);
EFFICIENTNET(b1, 240, 1.0, 1.1, 0.2, false, false);
EFFICIENTNET(b2, 260, 1.1, 1.2, 0.3, false, false);
EFFICIENTNET(b3, 300, 1.2, 1.4, 0.3, false, false);
EFFICIENTNET(b4, 380, 1.4, 1.8, 0.4, false, false);
EFFICIENTNET(b5, 456, 1.6, 2.2, 0.4, true, false);
EFFICIENTNET(b6, 528, 1.8, 2.6, 0.5, true, false);
EFFICIENTNET(b7, 600, 2.0, 3.1, 0.5, true, false);
EFFICIENTNET(lite0, 224, 1.0, 1.0, 0.2, true, true);
