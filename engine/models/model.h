/* A model: a function that builds its graph from an image value to logits. Names, parameter shapes and initial
 * distributions are torchvision's. Thread: one. */
#pragma once

#include "engine/graph/graph.h"

struct model_options {
    int64_t num_classes;
    double dropout;               /* negative = the model's own default */
    double stochastic_depth_prob; /* negative = the model's own default */
};

struct model {
    const char *name;
    int64_t image_size;     /* the size its authors trained at; for help and plans, not enforced */
    const char *classifier; /* prefix of the layer that depends on num_classes ("classifier.1", "fc") */
    struct value *(*build)(struct graph *g, struct value *image, const struct model_options *options);
};

#define MODEL(name, file) extern const struct model model_##name;
#include "engine/models/models.def"
#undef MODEL

/* NULL when unknown: the message lists the names and the nearest. */
const struct model *model_find(const char *name);
const struct model *model_at(int index); /* NULL past the end */
