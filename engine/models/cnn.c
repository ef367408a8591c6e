/* A small network for small pictures (8 to 64 pixels): four stages of convolution, batch norm and relu, halved in size
 * by max pooling as long as 4 pixels or more are left, then the mean over what is left and one linear layer. Its
 * parameters do not depend on the picture's size. */
#include "engine/models/layers.h"

#include <math.h>

static const int64_t widths[] = {32, 64, 128, 128};
enum { STAGES = sizeof widths / sizeof widths[0] };

/* The first stage looks at full size unless pictures are large; later stages halve down to 4 pixels. */
static bool halves(int stage, const struct value *x)
{
    if (x == NULL) return false;
    const int64_t h = x->shape.size[1], w = x->shape.size[2], least = h < w ? h : w;
    return least >= (stage == 0 ? 32 : 8);
}

static struct value *build(struct graph *g, struct value *x, const struct model_options *options)
{
    if (!refuse_stochastic_depth(g, "cnn", options)) return NULL;
    for (int s = 0; s < STAGES; s++) {
        const struct conv_norm conv = {.channels = widths[s], .kernel = 3, .stride = 1, .activation = relu};
        graph_unit(g);
        x = conv_norm_activation(g, x, layer_name("features.%d", s).text, conv);
        if (halves(s, x))
            x = max_pool2d(g, x, layer_name("features.%d.3", s).text, (struct pool_options){.kernel = {2, 2}});
    }
    graph_unit(g);
    x = flatten(g, adaptive_avg_pool2d(g, x, "avgpool", 1, 1), "flatten");
    const double drop = option_or(options->dropout, 0.2);
    if (drop > 0) x = dropout(g, x, "classifier.0", drop);
    return linear(g, x, "classifier.1",
                  (struct linear_options){.out_features = options->num_classes,
                                          .bias = true,
                                          .init = {INIT_KAIMING_UNIFORM_FAN_IN, sqrt(5)},
                                          .bias_init = {INIT_FAN_IN_UNIFORM, (double)widths[STAGES - 1]}});
}

const struct model model_cnn = {"cnn", 32, "classifier.1", build};
