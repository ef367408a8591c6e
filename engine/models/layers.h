/* What the model files share: layer names, and convolution + batch norm + activation. Thread: one. */
#pragma once

#include "data/base/err.h"
#include "engine/models/model.h"
#include "engine/ops/ops.h"

#include <stdint.h>

/* A layer's name by value, so that `layer_name("%s.fc1", block).text` can stand in a call. At most 95 bytes. */
struct layer_name {
    char text[96];
};
struct layer_name layer_name(const char *format, ...) LT_PRINTF(1, 2);

/* An activation's builder (relu, relu6, silu), or NULL for none. */
typedef struct value *activation_function(struct graph *g, struct value *x, const char *layer);

struct conv_norm {
    int64_t channels, kernel, stride; /* square kernels */
    int64_t groups;                   /* 0 means 1 */
    enum padding padding;             /* PADDING_EXPLICIT pads kernel / 2 */
    struct batch_norm_options norm;
    activation_function *activation;
};

/* torchvision's Conv2dNormActivation: LAYER.0 a convolution without bias (He initialisation by fan_out), LAYER.1 batch
 * norm, LAYER.2 the activation. x [n,h,w,c] -> [n,h',w',channels]. */
struct value *conv_norm_activation(struct graph *g, struct value *x, const char *layer, struct conv_norm options);

struct squeeze_excite {
    int64_t channels, squeezed;
    activation_function *activation, *gate;
};

/* torchvision's SqueezeExcitation: one gate for each sample and channel, from the channel's mean:
 * x * gate(fc2(activation(fc1(mean(x))))). x [n,h,w,c] -> same. */
struct value *squeeze_excite(struct graph *g, struct value *x, const char *layer, struct squeeze_excite options);

/* The nearest multiple of 8, but never less than 90 % of the wish (torchvision's _make_divisible). */
int64_t divisible_by_8(double channels);

/* The option's value, or `own` where the option is negative. */
double option_or(double option, double own);

/* Refuses a stochastic depth given to a model that has no residual branches to drop; returns false then. */
bool refuse_stochastic_depth(struct graph *g, const char *model, const struct model_options *options);
