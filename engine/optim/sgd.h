/* Options of SGD, shared by its updates (reference, cpu). Thread: any. */
#pragma once

#include <stdbool.h>

struct sgd_options {
    double lr, momentum, dampening, weight_decay;
    bool nesterov;
};
