#include "engine/ops/activations_cpu.h"
#include "engine/ops/elementwise_cpu.h"

ELEMENTWISE_KERNELS(hardsigmoid, hardsigmoid_value, hardsigmoid_slope, in[0])
