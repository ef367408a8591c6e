/* The fast backend against PyTorch float64: loss and gradient norm of every step within 1e-3 with SGD and 1e-2 with
 * AdamW (which amplifies rounding), and never more than three times as far off as PyTorch's own float32; first logits
 * within 1e-4. */
#include "tests/train/trajectory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void with_sgd(void **state)
{
    trajectory_check(*state, "cpu", DTYPE_F32,
                     (struct trajectory_bounds){.step = 1e-3, .own_factor = 3, .logits = 1e-4, .end = 1e-3});
}

static void with_adamw(void **state)
{
    trajectory_check(*state, "cpu", DTYPE_F32,
                     (struct trajectory_bounds){.step = 1e-2, .own_factor = 3, .logits = 1e-4, .end = 1e-2});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(with_sgd, "resnet18_sgd"),
        cmocka_unit_test_prestate(with_adamw, "resnet18_adamw"),
        cmocka_unit_test_prestate(with_sgd, "efficientnet_b0_sgd"),
        cmocka_unit_test_prestate(with_adamw, "efficientnet_b0_adamw"),
        cmocka_unit_test_prestate(with_sgd, "efficientnet_lite0_sgd"),
        cmocka_unit_test_prestate(with_adamw, "efficientnet_lite0_adamw"),
        cmocka_unit_test_prestate(with_sgd, "convnext_tiny_sgd"),
        cmocka_unit_test_prestate(with_adamw, "convnext_tiny_adamw"),
        cmocka_unit_test_prestate(with_sgd, "vit_b_16_sgd"),
        cmocka_unit_test_prestate(with_adamw, "vit_b_32_adamw"),
        cmocka_unit_test_prestate(with_sgd, "mobilenet_v2_sgd"),
        cmocka_unit_test_prestate(with_sgd, "mobilenet_v3_large_sgd"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
