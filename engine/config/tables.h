/* The option tables of the configuration's sections. Implementers' header of engine/config. Thread: any. */
#pragma once

#include "data/base/options.h"

struct root_options {
    int64_t seed;
    char *run_name;
    const struct setting *trainer, *model, *optimizer, *lr_scheduler, *metrics, *data;
};

extern const struct option_table root_table, trainer_table, model_table, data_table, split_table, metrics_table;

/* What stands for transforms, metrics and split when nothing is given; YAML. */
extern const char config_defaults[];
