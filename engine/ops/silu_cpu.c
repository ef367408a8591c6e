#include "engine/ops/activations_cpu.h"
#include "engine/ops/elementwise_cpu.h"

ELEMENTWISE_KERNELS(silu, silu_value, silu_slope, in[0])
