/* MobileNetV3 (Howard et al., 2019) as torchvision builds it, with its names: features.N.block.PART…. */
#include "engine/models/layers.h"

struct block {
    int64_t in, kernel, expanded, out;
    bool excite, swish; /* squeeze-excite; hardswish instead of relu */
    int64_t stride;
};

struct variant {
    const char *name;
    const struct block *blocks;
    int count;
    int64_t features; /* of the layer before the classifier */
};

static const struct batch_norm_options norm = {.eps = 1e-3, .momentum = 1e-2};

static const struct block large[] = {
    {16, 3, 16, 16, false, false, 1},  {16, 3, 64, 24, false, false, 2},  {24, 3, 72, 24, false, false, 1},
    {24, 5, 72, 40, true, false, 2},   {40, 5, 120, 40, true, false, 1},  {40, 5, 120, 40, true, false, 1},
    {40, 3, 240, 80, false, true, 2},  {80, 3, 200, 80, false, true, 1},  {80, 3, 184, 80, false, true, 1},
    {80, 3, 184, 80, false, true, 1},  {80, 3, 480, 112, true, true, 1},  {112, 3, 672, 112, true, true, 1},
    {112, 5, 672, 160, true, true, 2}, {160, 5, 960, 160, true, true, 1}, {160, 5, 960, 160, true, true, 1},
};

static const struct block small[] = {
    {16, 3, 16, 16, true, false, 2}, {16, 3, 72, 24, false, false, 2}, {24, 3, 88, 24, false, false, 1},
    {24, 5, 96, 40, true, true, 2},  {40, 5, 240, 40, true, true, 1},  {40, 5, 240, 40, true, true, 1},
    {40, 5, 120, 48, true, true, 1}, {48, 5, 144, 48, true, true, 1},  {48, 5, 288, 96, true, true, 2},
    {96, 5, 576, 96, true, true, 1}, {96, 5, 576, 96, true, true, 1},
};

static struct value *inverted_residual(struct graph *g, struct value *x, const char *layer, const struct block *b)
{
    struct value *input = x;
    struct conv_norm conv = {.channels = b->expanded, .kernel = 1, .stride = 1, .norm = norm};
    conv.activation = b->swish ? hardswish : relu;
    int part = 0;
    if (b->expanded != b->in) x = conv_norm_activation(g, x, layer_name("%s.block.%d", layer, part++).text, conv);
    conv.kernel = b->kernel, conv.stride = b->stride, conv.groups = b->expanded;
    x = conv_norm_activation(g, x, layer_name("%s.block.%d", layer, part++).text, conv);
    if (b->excite)
        x = squeeze_excite(
            g, x, layer_name("%s.block.%d", layer, part++).text,
            (struct squeeze_excite){b->expanded, divisible_by_8((double)b->expanded / 4), relu, hardsigmoid});
    conv = (struct conv_norm){.channels = b->out, .kernel = 1, .stride = 1, .norm = norm};
    x = conv_norm_activation(g, x, layer_name("%s.block.%d", layer, part).text, conv);
    return b->stride == 1 && b->in == b->out ? add(g, x, input, layer) : x;
}

static struct value *build(struct graph *g, struct value *x, const struct model_options *options,
                           const struct variant *v)
{
    if (!refuse_stochastic_depth(g, v->name, options)) return NULL;
    struct conv_norm conv = {.channels = 16, .kernel = 3, .stride = 2, .norm = norm, .activation = hardswish};
    graph_unit(g);
    x = conv_norm_activation(g, x, "features.0", conv);
    for (int i = 0; i < v->count; i++) {
        graph_unit(g);
        x = inverted_residual(g, x, layer_name("features.%d", i + 1).text, &v->blocks[i]);
    }
    graph_unit(g);
    conv.channels = 6 * v->blocks[v->count - 1].out, conv.kernel = 1, conv.stride = 1;
    x = conv_norm_activation(g, x, layer_name("features.%d", v->count + 1).text, conv);
    x = flatten(g, adaptive_avg_pool2d(g, x, "avgpool", 1, 1), "flatten");
    struct linear_options head = {.out_features = v->features, .bias = true, .init = {INIT_NORMAL, 0.01}};
    x = hardswish(g, linear(g, x, "classifier.0", head), "classifier.1");
    const double drop = option_or(options->dropout, 0.2);
    if (drop > 0) x = dropout(g, x, "classifier.2", drop);
    head.out_features = options->num_classes;
    return linear(g, x, "classifier.3", head);
}

#define MOBILENET_V3(size, features)                                                                                   \
    static struct value *build_##size(struct graph *g, struct value *image, const struct model_options *options)       \
    {                                                                                                                  \
        static const struct variant variant = {"mobilenet_v3_" #size, size, sizeof size / sizeof *size, features};     \
        return build(g, image, options, &variant);                                                                     \
    }                                                                                                                  \
    const struct model model_mobilenet_v3_##size = {"mobilenet_v3_" #size, 224, "classifier.3", build_##size}

MOBILENET_V3(large, 1280);
MOBILENET_V3(small, 1024);
