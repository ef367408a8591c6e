/* ConvNeXt (Liu et al., 2022) as torchvision builds it, with its names: features.STAGE.BLOCK.block.PART…. Even stages
 * are the stem and the halvings between the odd ones. */
#include "engine/models/layers.h"

enum { STAGES = 4 };

struct variant {
    int64_t channels[STAGES];
    int blocks[STAGES];
    double drop; /* stochastic depth of the last block; it grows from 0 */
};

/* torchvision's trunc_normal_(std=0.02): its bounds lie a hundred deviations away. */
static const struct init init = {INIT_NORMAL, 0.02};
static const double norm_eps = 1e-6;

/* Depthwise 7x7, then two linear layers over the channels of each pixel; permutations are parts 1 and 6 of
 * torchvision's block, and nothing in NHWC. */
static struct value *block(struct graph *g, struct value *x, const char *layer, int64_t channels, double drop)
{
    struct value *input = x;
    struct linear_options wide = {.out_features = 4 * channels, .bias = true, .init = init};
    x = conv2d(
        g, x, layer_name("%s.block.0", layer).text,
        (struct conv2d_options){
            .out_channels = channels, .kernel = {7, 7}, .pad = {3, 3}, .groups = channels, .bias = true, .init = init});
    x = layer_norm(g, x, layer_name("%s.block.2", layer).text, norm_eps);
    x = linear(g, x, layer_name("%s.block.3", layer).text, wide);
    x = gelu(g, x, layer_name("%s.block.4", layer).text);
    wide.out_features = channels;
    x = linear(g, x, layer_name("%s.block.5", layer).text, wide);
    x = scale(g, x, layer, "layer_scale", 1e-6);
    if (drop > 0) x = stochastic_depth(g, x, layer_name("%s.stochastic_depth", layer).text, drop);
    return add(g, x, input, layer);
}

/* A convolution whose kernel is its stride. */
static struct value *patches(struct graph *g, struct value *x, const char *layer, int64_t channels, int64_t size)
{
    return conv2d(
        g, x, layer,
        (struct conv2d_options){
            .out_channels = channels, .kernel = {size, size}, .stride = {size, size}, .bias = true, .init = init});
}

static struct value *build(struct graph *g, struct value *x, const struct model_options *options,
                           const struct variant *v)
{
    int blocks = 0, number = 0;
    for (int s = 0; s < STAGES; s++) blocks += v->blocks[s];
    const double drop = option_or(options->stochastic_depth_prob, v->drop);
    graph_unit(g);
    x = layer_norm(g, patches(g, x, "features.0.0", v->channels[0], 4), "features.0.1", norm_eps);
    for (int s = 0; s < STAGES; s++) {
        if (s > 0) {
            graph_unit(g);
            x = layer_norm(g, x, layer_name("features.%d.0", 2 * s).text, norm_eps);
            x = patches(g, x, layer_name("features.%d.1", 2 * s).text, v->channels[s], 2);
        }
        for (int i = 0; i < v->blocks[s]; i++, number++) {
            graph_unit(g);
            x = block(g, x, layer_name("features.%d.%d", 2 * s + 1, i).text, v->channels[s],
                      drop * number / (blocks - 1.0));
        }
    }
    graph_unit(g);
    x = layer_norm(g, adaptive_avg_pool2d(g, x, "avgpool", 1, 1), "classifier.0", norm_eps);
    x = flatten(g, x, "classifier.1");
    if (options->dropout > 0) x = dropout(g, x, "dropout", options->dropout);
    return linear(g, x, "classifier.2",
                  (struct linear_options){.out_features = options->num_classes, .bias = true, .init = init});
}

#define CONVNEXT(size, drop, deep)                                                                                     \
    static struct value *build_##size(struct graph *g, struct value *image, const struct model_options *options)       \
    {                                                                                                                  \
        static const struct variant variant = {{96, 192, 384, 768}, {3, 3, deep, 3}, drop};                            \
        return build(g, image, options, &variant);                                                                     \
    }                                                                                                                  \
    const struct model model_convnext_##size = {"convnext_" #size, 224, "classifier.2", build_##size}

CONVNEXT(tiny, 0.1, 9);
CONVNEXT(small, 0.4, 27);
