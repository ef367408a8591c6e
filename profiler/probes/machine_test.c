#include "profiler/probes/machine.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static double own_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Half a second of work, touching memory included, and 64 MB more show in the samples of this process. */
static void work_shows(void **state)
{
    (void)state;
    struct machine_sample before, after;
    const double begin = own_seconds();
    machine_sample(&before, getpid());
    assert_true(before.has_process && before.cores > 0 && before.memory_total > before.memory_used);
    char *memory = malloc(64 << 20);
    assert_non_null(memory);
    memset(memory, 1, 64 << 20);
    volatile double sum = 0;
    while (own_seconds() - begin < 0.5) sum += 1;
    machine_sample(&after, getpid());
    const double spent = own_seconds() - begin;
    assert_true(memory[1 << 20] == 1 && sum > 0);
    free(memory);
    assert_true(fabs(after.process_s - before.process_s - spent) < 0.1);
    assert_true(after.process_memory - before.process_memory > 60 << 20);
    assert_true(after.busy_s - before.busy_s > 0.4 && after.all_s > before.all_s && after.threads == 1);
}

static void no_process_is_none(void **state)
{
    (void)state;
    struct machine_sample sample;
    machine_sample(&sample, 0);
    assert_false(sample.has_process);
    machine_sample(&sample, 1 << 30);
    assert_false(sample.has_process);
    assert_true(sample.process_read == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(work_shows), cmocka_unit_test(no_process_is_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
