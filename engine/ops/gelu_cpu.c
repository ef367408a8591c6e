#include "engine/ops/activations_cpu.h"
#include "engine/ops/elementwise_cpu.h"

ELEMENTWISE_KERNELS(gelu, gelu_value, gelu_slope, in[0])
