#include "engine/ops/activations_cpu.h"
#include "engine/ops/elementwise_cpu.h"

ELEMENTWISE_KERNELS(relu6, relu6_value, relu6_slope, out[0])
