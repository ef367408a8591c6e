#include "data/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Known answers of Philox4x32-10 from the authors' Random123 (kat_vectors). */
static void philox_known_answers(void **state)
{
    (void)state;
    static const uint32_t kat[3][10] = {{0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
                                        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff,
                                         0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
                                        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0,
                                         0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
    for (int i = 0; i < 3; i++) {
        uint32_t out[4];
        rng_philox(out, (struct rng_key){{kat[i][4], kat[i][5]}}, kat[i]);
        for (int k = 0; k < 4; k++) assert_int_equal(out[k], kat[i][6 + k]);
    }
}

/* torch.randperm(10, generator=torch.Generator().manual_seed(42)) */
static void torch_randperm(void **state)
{
    (void)state;
    static const int64_t expected[10] = {2, 6, 1, 8, 4, 5, 0, 9, 3, 7};
    int64_t got[10];
    rng_torch_randperm(got, 10, 42);
    for (int i = 0; i < 10; i++) assert_int_equal(got[i], expected[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(philox_known_answers), cmocka_unit_test(torch_randperm)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
