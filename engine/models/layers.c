#include "engine/models/layers.h"

#include <stdarg.h>
#include <stdio.h>

struct layer_name layer_name(const char *format, ...)
{
    struct layer_name name;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(name.text, sizeof name.text, format, arguments);
    va_end(arguments);
    lt_assert(length >= 0 && (size_t)length < sizeof name.text);
    return name;
}

struct value *conv_norm_activation(struct graph *g, struct value *x, const char *layer, struct conv_norm options)
{
    struct conv2d_options convolution = {
        .out_channels = options.channels,
        .kernel = {options.kernel, options.kernel},
        .stride = {options.stride, options.stride},
        .padding = options.padding,
        .groups = options.groups,
        .init = {INIT_KAIMING_NORMAL_FAN_OUT, 0},
    };
    if (options.padding == PADDING_EXPLICIT) convolution.pad[0] = convolution.pad[1] = options.kernel / 2;
    x = conv2d(g, x, layer_name("%s.0", layer).text, convolution);
    x = batch_norm(g, x, layer_name("%s.1", layer).text, options.norm);
    return options.activation ? options.activation(g, x, layer_name("%s.2", layer).text) : x;
}

struct value *squeeze_excite(struct graph *g, struct value *x, const char *layer, struct squeeze_excite options)
{
    struct conv2d_options fc = {.kernel = {1, 1}, .bias = true, .init = {INIT_KAIMING_NORMAL_FAN_OUT, 0}};
    struct value *gate = adaptive_avg_pool2d(g, x, layer_name("%s.avgpool", layer).text, 1, 1);
    fc.out_channels = options.squeezed;
    gate = conv2d(g, gate, layer_name("%s.fc1", layer).text, fc);
    gate = options.activation(g, gate, layer_name("%s.activation", layer).text);
    fc.out_channels = options.channels;
    gate = conv2d(g, gate, layer_name("%s.fc2", layer).text, fc);
    gate = options.gate(g, gate, layer_name("%s.scale_activation", layer).text);
    return mul(g, x, gate, layer);
}

int64_t divisible_by_8(double channels)
{
    int64_t nearest = (int64_t)(channels + 4) / 8 * 8;
    if (nearest < 8) nearest = 8;
    return (double)nearest < 0.9 * channels ? nearest + 8 : nearest;
}

double option_or(double option, double own)
{
    return option < 0 ? own : option;
}

bool refuse_stochastic_depth(struct graph *g, const char *model, const struct model_options *options)
{
    if (options->stochastic_depth_prob <= 0) return true;
    (void)graph_fail(
        g, model, LT_EUSAGE,
        "this model has no stochastic depth; remove model.stochastic_depth_prob (%g) or choose an efficientnet",
        options->stochastic_depth_prob);
    return false;
}
