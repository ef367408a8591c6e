/* The oracle against PyTorch float64: loss and gradient norm of every step, logits, running statistics, far within the
 * 1e-7 that users are promised. */
#include "tests/train/trajectory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void on_reference(void **state)
{
    trajectory_check(*state, "reference", DTYPE_F64,
                     (struct trajectory_bounds){.step = 1e-9, .logits = 1e-9, .end = 1e-9});
}

#define RUN(name) cmocka_unit_test_prestate(on_reference, name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN("resnet18_sgd"),           RUN("resnet18_adamw"),         RUN("efficientnet_b0_sgd"),
        RUN("efficientnet_b0_adamw"),  RUN("efficientnet_lite0_sgd"), RUN("efficientnet_lite0_adamw"),
        RUN("convnext_tiny_sgd"),      RUN("vit_b_32_adamw"),         RUN("mobilenet_v2_sgd"),
        RUN("mobilenet_v3_large_sgd"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
