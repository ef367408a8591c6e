/* What `normalize` holds: read by the pipeline, handed to the model. Thread: any. */
#pragma once

#include "data/transforms/transform.h"

struct normalize_options {
    char *preset;
    struct reals mean, std;
};

/* The six numbers; false when the preset is unknown. */
bool normalize_values(const struct normalize_options *o, double mean[3], double std[3]);
