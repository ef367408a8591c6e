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
