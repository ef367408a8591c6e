/* The sizes of a convolution, resolved; for its kernels on every backend. Implementers' header. Thread: any. */
#pragma once

#include "engine/ops/op.h"

struct conv2d_sizes {
    int64_t h, w, c;        /* of one input sample */
    int64_t oh, ow, o;      /* of one output sample */
    int64_t kh, kw, sh, sw; /* kernel, stride */
    int64_t top, left;      /* padding before the first row and column */
    int64_t groups, ci, co; /* input and output channels of one group */
};

/* in[0] x, in[1] weight OHWI, in[2] bias (when in_count is 3). */
struct conv2d_sizes conv2d_sizes(const struct node *node);
