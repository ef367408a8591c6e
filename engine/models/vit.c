/* Vision transformers (Dosovitskiy et al., 2020) as torchvision builds them, with its names. */
#include "engine/models/layers.h"

#include <math.h>

struct variant {
    const char *name;
    int64_t patch, layers, heads, features, hidden;
};

static const double norm_eps = 1e-6;

/* ln_1, self-attention, add; ln_2, two linear layers, add. */
static struct value *encoder_layer(struct graph *g, struct value *x, const char *layer, const struct variant *v,
                                   double drop)
{
    struct value *input = x;
    const struct init xavier = {INIT_XAVIER_UNIFORM, 0}, near_zero = {INIT_NORMAL, 1e-6};
    x = layer_norm(g, x, layer_name("%s.ln_1", layer).text, norm_eps);
    x = linear(g, x, layer_name("%s.self_attention", layer).text,
               (struct linear_options){.out_features = 3 * v->features,
                                       .bias = true,
                                       .init = xavier,
                                       .weight_name = "in_proj_weight",
                                       .bias_name = "in_proj_bias"});
    x = attention(g, x, layer_name("%s.self_attention", layer).text, v->heads);
    x = linear(g, x, layer_name("%s.self_attention.out_proj", layer).text,
               (struct linear_options){
                   .out_features = v->features, .bias = true, .init = {INIT_KAIMING_UNIFORM_FAN_IN, sqrt(5)}});
    if (drop > 0) x = dropout(g, x, layer_name("%s.dropout", layer).text, drop);
    x = input = add(g, x, input, layer_name("%s.add_1", layer).text);
    x = layer_norm(g, x, layer_name("%s.ln_2", layer).text, norm_eps);
    struct linear_options mlp = {.out_features = v->hidden, .bias = true, .init = xavier, .bias_init = near_zero};
    x = gelu(g, linear(g, x, layer_name("%s.mlp.0", layer).text, mlp), layer_name("%s.mlp.1", layer).text);
    if (drop > 0) x = dropout(g, x, layer_name("%s.mlp.2", layer).text, drop);
    mlp.out_features = v->features;
    x = linear(g, x, layer_name("%s.mlp.3", layer).text, mlp);
    if (drop > 0) x = dropout(g, x, layer_name("%s.mlp.4", layer).text, drop);
    return add(g, x, input, layer_name("%s.add_2", layer).text);
}

static struct value *build(struct graph *g, struct value *x, const struct model_options *options,
                           const struct variant *v)
{
    if (!refuse_stochastic_depth(g, v->name, options)) return NULL;
    const int64_t *size = x ? x->shape.size : NULL;
    if (size && (size[1] % v->patch != 0 || size[2] % v->patch != 0)) {
        (void)graph_fail(g, v->name, LT_ESHAPE,
                         "pictures of %lldx%lld cannot be cut into patches of %lldx%lld; change the transforms",
                         (long long)size[2], (long long)size[1], (long long)v->patch, (long long)v->patch);
        return NULL;
    }
    const double drop = option_or(options->dropout, 0), fan_in = 3 * (double)(v->patch * v->patch);
    graph_unit(g);
    x = conv2d(g, x, "conv_proj",
               (struct conv2d_options){.out_channels = v->features,
                                       .kernel = {v->patch, v->patch},
                                       .stride = {v->patch, v->patch},
                                       .bias = true,
                                       .init = {INIT_NORMAL, sqrt(1 / fan_in)}});
    x = tokens(g, x, "class_token", "encoder.pos_embedding");
    if (drop > 0) x = dropout(g, x, "encoder.dropout", drop);
    for (int i = 0; i < v->layers; i++) {
        graph_unit(g);
        x = encoder_layer(g, x, layer_name("encoder.layers.encoder_layer_%d", i).text, v, drop);
    }
    graph_unit(g);
    x = first_token(g, layer_norm(g, x, "encoder.ln", norm_eps), "heads");
    return linear(g, x, "heads.head", (struct linear_options){.out_features = options->num_classes, .bias = true});
}

#define VIT(row, ...)                                                                                                  \
    static struct value *build_##row(struct graph *g, struct value *image, const struct model_options *options)        \
    {                                                                                                                  \
        static const struct variant variant = {"vit_" #row, __VA_ARGS__};                                              \
        return build(g, image, options, &variant);                                                                     \
    }                                                                                                                  \
    const struct model model_vit_##row = {"vit_" #row, 224, "heads.head", build_##row}

VIT(b_16, 16, 12, 12, 768, 3072);
VIT(b_32, 32, 12, 12, 768, 3072);
VIT(l_16, 16, 24, 16, 1024, 4096);
