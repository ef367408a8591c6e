/* Placement in the arena: lifetimes that overlap in time never overlap in memory, and memory is reused. */
#include "data/base/rng.h"
#include "engine/graph/plan_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 200 };

static bool in_same_memory(const struct lifetime *all, int a, int b)
{
    while (all[a].same_as >= 0) a = all[a].same_as;
    while (all[b].same_as >= 0) b = all[b].same_as;
    return a == b;
}

/* Random lifetimes as a plan makes them: begins never go back; some take over the memory of one that ends as they
 * begin. */
static int random_lifetimes(struct lifetime *all, struct rng *rng)
{
    const int count = 1 + (int)rng_below(rng, MANY);
    for (int i = 0; i < count; i++) {
        all[i] = (struct lifetime){.bytes = 1 + rng_below(rng, 5000), .first = i, .same_as = -1};
        all[i].last = i + (int)rng_below(rng, rng_below(rng, 4) ? 5 : (uint32_t)count);
        for (int k = 0; k < i && rng_below(rng, 2); k++) {
            bool taken = false;
            for (int j = 0; j < i; j++) taken |= all[j].same_as == k;
            if (all[k].last == i && !taken) all[i].same_as = k;
        }
    }
    return count;
}

static void overlapping_lifetimes_lie_apart(void **state)
{
    (void)state;
    struct lifetime all[MANY];
    int64_t in_place = 0, reused = 0;
    for (uint32_t round = 0; round < 300; round++) {
        struct rng rng = rng_at(rng_key(1, RNG_TEST), round, 0, 0);
        const int count = random_lifetimes(all, &rng);
        int last[MANY];
        for (int i = 0; i < count; i++) last[i] = all[i].last;
        const size_t total = plan_place(all, (size_t)count);
        size_t sum = 0;
        for (int a = 0; a < count; a++) {
            assert_true(all[a].offset % 256 == 0 && all[a].offset + all[a].bytes <= total);
            if (all[a].same_as < 0)
                sum += (all[a].bytes + 255) / 256 * 256;
            else
                in_place++, assert_true(all[a].offset == all[all[a].same_as].offset);
            for (int b = 0; b < a; b++) {
                if (all[a].first > last[b] || all[b].first > last[a] || in_same_memory(all, a, b)) continue;
                assert_true(all[a].offset + all[a].bytes <= all[b].offset ||
                            all[b].offset + all[b].bytes <= all[a].offset);
            }
        }
        assert_true(total <= sum);
        reused += total < sum;
    }
    assert_true(in_place > 100 && reused > 200);
}

static void a_chain_needs_two_pieces(void **state)
{
    (void)state;
    struct lifetime chain[50];
    for (int i = 0; i < 50; i++) chain[i] = (struct lifetime){.bytes = 1024, .first = i, .last = i + 1, .same_as = -1};
    assert_int_equal(plan_place(chain, 50), 2 * 1024);
    for (int i = 1; i < 50; i++) chain[i].same_as = i - 1;
    assert_int_equal(plan_place(chain, 50), 1024);
    assert_int_equal(plan_place(chain, 0), 0);
}

/* What lives at each instruction of a chain: its input and its output; in place: one piece. */
static void live_bytes_follow_lifetimes(void **state)
{
    (void)state;
    struct lifetime chain[4];
    int64_t live[4];
    struct plan plan = {.lifetime = chain, .lifetimes = 4};
    plan.list[PLAN_FORWARD].count = plan.list[PLAN_BACKWARD].count = 2;
    for (int i = 0; i < 4; i++)
        chain[i] = (struct lifetime){.bytes = 1000, .first = i, .last = i < 3 ? i + 1 : 3, .same_as = -1};
    plan_live_bytes(&plan, live);
    assert_true(live[0] == 1000 && live[1] == 2000 && live[2] == 2000 && live[3] == 2000);
    chain[2].same_as = 1;
    assert_true(plan_place(chain, 4) > 0);
    plan_live_bytes(&plan, live);
    assert_true(live[0] == 1000 && live[1] == 2000 && live[2] == 1000 && live[3] == 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overlapping_lifetimes_lie_apart),
        cmocka_unit_test(a_chain_needs_two_pieces),
        cmocka_unit_test(live_bytes_follow_lifetimes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
