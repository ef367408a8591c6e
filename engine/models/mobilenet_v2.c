/* MobileNetV2 (Sandler et al., 2018) as torchvision builds it, with its names: features.N.conv.PART…. */
#include "engine/models/layers.h"

/* Stages: how much the 1x1 before the depthwise convolution expands, channels, blocks, stride of the first. */
static const struct stage {
    int64_t expand, channels, stride;
    int blocks;
} stages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 2, 3}, {6, 64, 2, 4},
              {6, 96, 1, 3}, {6, 160, 2, 3}, {6, 320, 1, 1}};
enum { STAGES = sizeof stages / sizeof *stages };

/* The last 1x1 convolution and its norm are parts of their own, not LAYER.0 and LAYER.1. */
static struct value *block(struct graph *g, struct value *x, const char *layer, const struct stage *s, int64_t in)
{
    struct value *input = x;
    const int64_t expanded = in * s->expand;
    struct conv_norm conv = {.channels = expanded, .kernel = 1, .stride = 1, .activation = relu6};
    int part = 0;
    if (s->expand != 1) x = conv_norm_activation(g, x, layer_name("%s.conv.%d", layer, part++).text, conv);
    conv.kernel = 3, conv.stride = s->stride, conv.groups = expanded;
    x = conv_norm_activation(g, x, layer_name("%s.conv.%d", layer, part++).text, conv);
    x = conv2d(g, x, layer_name("%s.conv.%d", layer, part++).text,
               (struct conv2d_options){
                   .out_channels = s->channels, .kernel = {1, 1}, .init = {INIT_KAIMING_NORMAL_FAN_OUT, 0}});
    x = batch_norm(g, x, layer_name("%s.conv.%d", layer, part).text, (struct batch_norm_options){0});
    return s->stride == 1 && in == s->channels ? add(g, x, input, layer) : x;
}

static struct value *build(struct graph *g, struct value *x, const struct model_options *options)
{
    if (!refuse_stochastic_depth(g, "mobilenet_v2", options)) return NULL;
    struct conv_norm conv = {.channels = 32, .kernel = 3, .stride = 2, .activation = relu6};
    int64_t channels = conv.channels;
    int number = 0;
    graph_unit(g);
    x = conv_norm_activation(g, x, layer_name("features.%d", number++).text, conv);
    for (int s = 0; s < STAGES; s++) {
        struct stage stage = stages[s];
        for (int i = 0; i < stages[s].blocks; i++, stage.stride = 1) {
            graph_unit(g);
            x = block(g, x, layer_name("features.%d", number++).text, &stage, channels);
            channels = stage.channels;
        }
    }
    graph_unit(g);
    conv.channels = 1280, conv.kernel = 1, conv.stride = 1;
    x = conv_norm_activation(g, x, layer_name("features.%d", number).text, conv);
    x = flatten(g, adaptive_avg_pool2d(g, x, "avgpool", 1, 1), "flatten");
    const double drop = option_or(options->dropout, 0.2);
    if (drop > 0) x = dropout(g, x, "classifier.0", drop);
    return linear(
        g, x, "classifier.1",
        (struct linear_options){.out_features = options->num_classes, .bias = true, .init = {INIT_NORMAL, 0.01}});
}

const struct model model_mobilenet_v2 = {"mobilenet_v2", 224, "classifier.1", build};
