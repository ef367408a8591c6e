#include "data/base/memory.h"
#include "engine/backends/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

struct job {
    _Atomic int taken[1000];
    _Atomic int inside[8]; /* by thread number: never two at once */
};

static void work(void *context, int64_t chunk, int thread)
{
    struct job *job = context;
    assert_int_equal(atomic_fetch_add(&job->inside[thread], 1), 0);
    atomic_fetch_add(&job->taken[chunk], 1);
    atomic_fetch_sub(&job->inside[thread], 1);
}

/* Many rounds of many sizes: each chunk exactly once, also after the workers slept. */
static void every_chunk_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 5; threads += 2) {
        struct pool *pool;
        assert_int_equal(pool_new(&pool, threads), LT_OK);
        assert_int_equal(pool_threads(pool), threads);
        for (int round = 0; round < 300; round++) {
            struct job *job = memory_new(1, sizeof *job);
            int64_t chunks = round * 7 % 1000;
            pool_run(pool, chunks, work, job);
            for (int64_t i = 0; i < 1000; i++) assert_int_equal(job->taken[i], i < chunks);
            free(job);
            if (round % 100 == 0) nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        }
        pool_free(pool);
    }
    pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_chunk_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
