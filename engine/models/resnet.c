/* ResNet (He et al., 2015) as torchvision builds it, with its names: layerSTAGE.BLOCK.conv1…. The bottleneck's stride
 * is in its 3x3 convolution ("v1.5"). A dropout, where configured, stands before `fc`. */
#include "engine/models/layers.h"

#include <math.h>

struct variant {
    const char *name;
    int blocks[4];
    bool bottleneck;
};

/* conv (no bias) and its batch norm; `pad` is kernel / 2. */
static struct value *conv_bn(struct graph *g, struct value *x, const char *conv_layer, const char *norm_layer,
                             struct conv2d_options conv)
{
    conv.kernel[1] = conv.kernel[0];
    conv.stride[1] = conv.stride[0];
    conv.pad[0] = conv.pad[1] = conv.kernel[0] / 2;
    conv.init = (struct init){INIT_KAIMING_NORMAL_FAN_OUT, 0};
    return batch_norm(g, conv2d(g, x, conv_layer, conv), norm_layer, (struct batch_norm_options){0});
}

/* The convolution number i of a block. */
static struct value *part(struct graph *g, struct value *x, const char *block, int i, struct conv2d_options conv)
{
    return conv_bn(g, x, layer_name("%s.conv%d", block, i).text, layer_name("%s.bn%d", block, i).text, conv);
}

struct block {
    int64_t width, out, stride;
    bool downsample; /* the shortcut needs a 1x1 convolution */
};

static struct value *residual(struct graph *g, struct value *x, const char *layer, bool bottleneck, struct block b)
{
    struct value *shortcut = x;
    const struct conv2d_options squeeze = {.out_channels = b.width, .kernel = {1}, .stride = {1}};
    const struct conv2d_options wide = {.out_channels = b.width, .kernel = {3}, .stride = {b.stride}};
    const struct conv2d_options expand = {.out_channels = b.out, .kernel = {1}, .stride = {1}};
    const struct conv2d_options plain = {.out_channels = b.out, .kernel = {3}, .stride = {1}};
    x = relu(g, part(g, x, layer, 1, bottleneck ? squeeze : wide), layer_name("%s.relu1", layer).text);
    x = part(g, x, layer, 2, bottleneck ? wide : plain);
    if (bottleneck) x = part(g, relu(g, x, layer_name("%s.relu2", layer).text), layer, 3, expand);
    if (b.downsample)
        shortcut = conv_bn(g, shortcut, layer_name("%s.downsample.0", layer).text,
                           layer_name("%s.downsample.1", layer).text,
                           (struct conv2d_options){.out_channels = b.out, .kernel = {1}, .stride = {b.stride}});
    return relu(g, add(g, x, shortcut, layer), layer_name("%s.relu", layer).text);
}

static struct value *build_stages(struct graph *g, struct value *x, const struct variant *v)
{
    int64_t channels = 64;
    for (int s = 0; s < 4; s++) {
        struct block b = {.width = 64 << s, .stride = s == 0 ? 1 : 2};
        b.out = b.width * (v->bottleneck ? 4 : 1);
        for (int i = 0; i < v->blocks[s]; i++) {
            graph_unit(g);
            b.downsample = b.stride != 1 || channels != b.out;
            x = residual(g, x, layer_name("layer%d.%d", s + 1, i).text, v->bottleneck, b);
            b.stride = 1, channels = b.out;
        }
    }
    return x;
}

static struct value *build(struct graph *g, struct value *x, const struct model_options *options,
                           const struct variant *v)
{
    if (!refuse_stochastic_depth(g, v->name, options)) return NULL;
    graph_unit(g);
    x = conv_bn(g, x, "conv1", "bn1", (struct conv2d_options){.out_channels = 64, .kernel = {7}, .stride = {2}});
    x = relu(g, x, "relu");
    x = max_pool2d(g, x, "maxpool", (struct pool_options){.kernel = {3, 3}, .stride = {2, 2}, .pad = {1, 1}});
    x = build_stages(g, x, v);
    graph_unit(g);
    x = flatten(g, adaptive_avg_pool2d(g, x, "avgpool", 1, 1), "flatten");
    if (options->dropout > 0) x = dropout(g, x, "dropout", options->dropout);
    const double features = 512 * (v->bottleneck ? 4 : 1);
    return linear(g, x, "fc",
                  (struct linear_options){.out_features = options->num_classes,
                                          .bias = true,
                                          .init = {INIT_KAIMING_UNIFORM_FAN_IN, sqrt(5)},
                                          .bias_init = {INIT_FAN_IN_UNIFORM, features}});
}

#define RESNET(layers, bottleneck, ...)                                                                                \
    static struct value *build_##layers(struct graph *g, struct value *image, const struct model_options *options)     \
    {                                                                                                                  \
        static const struct variant variant = {"resnet" #layers, {__VA_ARGS__}, bottleneck};                           \
        return build(g, image, options, &variant);                                                                     \
    }                                                                                                                  \
    const struct model model_resnet##layers = {"resnet" #layers, 224, "fc", build_##layers}

RESNET(18, false, 2, 2, 2, 2);
RESNET(34, false, 3, 4, 6, 3);
RESNET(50, true, 3, 4, 6, 3);
RESNET(101, true, 3, 4, 23, 3);
RESNET(152, true, 3, 8, 36, 3);
