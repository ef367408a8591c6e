#include "engine/ops/activations_cpu.h"
#include "engine/ops/elementwise_cpu.h"

ELEMENTWISE_KERNELS(hardswish, hardswish_value, hardswish_slope, in[0])
