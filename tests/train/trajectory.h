/* A stored training of PyTorch (tests/golden/trajectories.py), and the same training here. Thread: one. */
#pragma once

#include "engine/backends/backend.h"

#include <stdbool.h>

/* How far off is allowed; everything relative. */
struct trajectory_bounds {
    double step;       /* loss and gradient norm, each step */
    double own_factor; /* largest error over the steps <= this many times PyTorch float32's own; 0 = not asked */
    double logits;     /* norm of the difference over the norm, first step's logits; of bf16: times PyTorch's own */
    double end;        /* logits, running statistics and parameters after the last step */
    bool bf16;         /* activations are bfloat16, and PyTorch's own is that of torch.autocast */
};

/* Trains as MODEL_OPTIMIZER of tests/golden/expected/trajectory_MODEL_OPTIMIZER.txt says and compares; a cmocka failure
 * names what is off. `backend` is a name of backends.def. */
void trajectory_check(const char *name, const char *backend, enum dtype real, struct trajectory_bounds bounds);
