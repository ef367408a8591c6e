/* Builders: what model functions call. Each adds one node (and the layer's parameters) to the graph and returns its
 * output. Layouts: x is NHWC unless said; names and meanings are torch's (torch.nn.functional). Any NULL input gives
 * NULL. `layer` is torch's module path; parameters get "LAYER.weight" and so on. */
#pragma once

#include "engine/graph/graph.h"

enum padding { PADDING_EXPLICIT, PADDING_SAME /* TensorFlow's SAME: out = ceil(in / stride), extra at the end */ };

struct conv2d_options {
    int64_t out_channels;
    int64_t kernel[2], stride[2]; /* h, w; stride 0 means 1 */
    int64_t pad[2];
    enum padding padding;
    int64_t groups; /* 0 means 1; groups == channels is depthwise */
    bool bias;
    struct init init; /* of the weight */
};
/* x [n,h,w,c] -> [n,h',w',o]; weight OHWI [o,kh,kw,c/groups], bias [o]. */
struct value *conv2d(struct graph *g, struct value *x, const char *layer, struct conv2d_options options);

struct linear_options {
    int64_t out_features;
    bool bias;
    struct init init, bias_init;
    const char *weight_name, *bias_name; /* NULL: "weight", "bias" */
};
/* Over the last dimension: x [n,…,c] -> [n,…,o]; weight [o,c], bias [o]. */
struct value *linear(struct graph *g, struct value *x, const char *layer, struct linear_options options);

struct batch_norm_options {
    double eps, momentum; /* 0 eps means 1e-5, 0 momentum means 0.1 (torch's) */
    bool zero_init;       /* weight starts at 0 instead of 1 */
};
/* x [n,h,w,c] -> same; weight, bias [c]; buffers running_mean, running_var [c] (unbiased variance),
 * num_batches_tracked. */
struct value *batch_norm(struct graph *g, struct value *x, const char *layer, struct batch_norm_options options);

/* Elementwise; any shape. */
struct value *relu(struct graph *g, struct value *x, const char *layer);
struct value *relu6(struct graph *g, struct value *x, const char *layer);
struct value *silu(struct graph *g, struct value *x, const char *layer);
struct value *sigmoid(struct graph *g, struct value *x, const char *layer);
struct value *hardsigmoid(struct graph *g, struct value *x, const char *layer);
struct value *hardswish(struct graph *g, struct value *x, const char *layer);
struct value *gelu(struct graph *g, struct value *x, const char *layer);

/* Over the last dimension c: x [n,…,c] -> same; weight, bias [c]. */
struct value *layer_norm(struct graph *g, struct value *x, const char *layer, double eps);

/* Self-attention. qkv [n,s,3d]: query, key and value of each token -> [n,s,d]; d is cut into so many heads. */
struct value *attention(struct graph *g, struct value *qkv, const char *layer, int64_t heads);

/* x [n,h,w,d] -> [n,1+h*w,d]: the parameter CLASS_TOKEN [1,1,d] before the patches, and POSITIONS [1,1+h*w,d] added. */
struct value *tokens(struct graph *g, struct value *x, const char *class_token, const char *positions);

/* x [n,s,d] -> [n,d]: the first token. */
struct value *first_token(struct graph *g, struct value *x, const char *layer);

/* x [n,h,w,c] times the parameter LAYER.NAME [c,1,1], which starts at `initial`. */
struct value *scale(struct graph *g, struct value *x, const char *layer, const char *name, double initial);

/* a + b, a * b: same shapes, or b [n,1,1,c] spread over a [n,h,w,c]. */
struct value *add(struct graph *g, struct value *a, struct value *b, const char *layer);
struct value *mul(struct graph *g, struct value *a, struct value *b, const char *layer);

struct pool_options {
    int64_t kernel[2], stride[2], pad[2]; /* stride 0 means kernel */
    bool ceil_mode;
    bool exclude_pad; /* avg: count_include_pad=False */
};
struct value *max_pool2d(struct graph *g, struct value *x, const char *layer, struct pool_options options);
struct value *avg_pool2d(struct graph *g, struct value *x, const char *layer, struct pool_options options);

/* x [n,h,w,c] -> [n,out_h,out_w,c], torch's bin edges. */
struct value *adaptive_avg_pool2d(struct graph *g, struct value *x, const char *layer, int64_t out_h, int64_t out_w);

/* x [n,h,w,c] -> [n,c*h*w] in torch's (c,h,w) order. */
struct value *flatten(struct graph *g, struct value *x, const char *layer);

/* Inverted dropout: keeps with probability 1-p, scales by 1/(1-p). The mask is a function of (seed, layer, epoch,
 * sample). */
struct value *dropout(struct graph *g, struct value *x, const char *layer, double p);

/* torchvision's StochasticDepth(p, "row"): whole samples are dropped, survivors scaled by 1/(1-p). */
struct value *stochastic_depth(struct graph *g, struct value *x, const char *layer, double p);

/* x u8 [n,h,w,3] -> real: (x/255 - mean)/std with float32's three roundings in either type, by a 3x256 table. */
struct value *normalize(struct graph *g, struct value *x, const char *layer, const double mean[3], const double std[3]);

/* Mean cross entropy with label smoothing (torch.nn.functional.cross_entropy). logits [n,k], target i32 [n].
 * out[0] is the loss of each sample [n], out[1] the predicted class i32 [n] (first of equals). Its gradient starts the
 * backward pass: dlogits = weight of a sample (step->loss_weight, a device scalar) * d loss_i / d logits. A target of
 * -1 marks a row of padding: loss and gradient 0. */
struct value *cross_entropy(struct graph *g, struct value *logits, struct value *target, const char *layer,
                            double label_smoothing);
