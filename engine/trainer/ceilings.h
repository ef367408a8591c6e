/* What this machine can do at most: how fast the backend multiplies matrices that suit it, and moves memory. Measured
 * by its own kernels in well under a second. Thread: the device's. */
#pragma once

#include "engine/graph/plan.h"

struct ceilings {
    double flops;     /* multiplications and additions per second, in the given precision */
    double bandwidth; /* bytes read and written per second */
};

/* The least seconds that an instruction's arithmetic and its memory would take, each by itself. */
struct roof {
    double arithmetic, memory;
};
struct roof roof_of(const struct ceilings *self, const struct instruction *instruction);

enum lt_err ceilings_measure(struct ceilings *self, const struct backend *backend, struct device *device,
                             bool bf16) LT_MUST_CHECK;
