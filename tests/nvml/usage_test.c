/* What GPUs do, by way of a library that stands in for NVIDIA's (nvml.c); and a machine without one. */
#include "profiler/probes/gpu.h"
#include "profiler/probes/usage.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void gpus_tell(void **state)
{
    (void)state;
    struct gpus *gpus = gpus_open();
    char name[GPU_NAME];
    struct gpu_sample sample;
    assert_int_equal(gpus_count(gpus), 2);
    gpus_name(gpus, 1, name);
    assert_string_equal(name, "Test GPU B");
    gpus_sample(gpus, 0, &sample);
    assert_true(sample.use == 87 && sample.memory_used == 34e9 && sample.memory_total == 80e9);
    assert_true(fabs(sample.power_w - 312.5) < 1e-9 && sample.temperature_c == 61);
    gpus_sample(gpus, 1, &sample);
    assert_true(sample.use == 3 && isnan(sample.power_w) && isnan(sample.temperature_c));
    gpus_close(gpus);
}

static size_t column(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return i;
    fail_msg("there is no column %s", name);
    return 0;
}

/* A tenth of a second of work on one core shows, and so do the GPUs. */
static void usage_has_all(void **state)
{
    (void)state;
    struct usage *usage = usage_new();
    size_t count;
    const char *const *names = usage_names(usage, &count);
    double *value = calloc(count, sizeof *value);
    assert_int_equal(count, USAGE_VALUES + 2 * USAGE_GPU_VALUES);
    for (const clock_t begin = clock(); clock() - begin < CLOCKS_PER_SEC / 5;) continue;
    usage_take(usage, value);
    assert_true(value[column(names, count, "cpu_run")] > 10 && value[column(names, count, "cpu_run")] < 250);
    assert_true(value[USAGE_MEMORY_RUN] > 0 && value[USAGE_MEMORY] > value[USAGE_MEMORY_RUN]);
    assert_true(value[column(names, count, "gpu0_use")] == 87 && value[column(names, count, "gpu1_use")] == 3);
    assert_true(value[column(names, count, "gpu0_memory")] == 34);
    struct usage_facts facts;
    usage_facts(usage, &facts);
    assert_true(facts.gpus == 2 && facts.cores > 0 && facts.gpu[1].memory == 80e9);
    assert_string_equal(facts.gpu[0].name, "Test GPU A");
    free(value);
    usage_free(usage);
}

int main(int argc, char **argv)
{
    (void)argc;
    const struct CMUnitTest tests[] = {cmocka_unit_test(gpus_tell), cmocka_unit_test(usage_has_all)};
    if (getenv("LD_LIBRARY_PATH") ==
        NULL) { /* beside this program lies the stand-in; a loader reads that name at start only */
        char path[4096];
        ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
        path[length > 0 ? length : 0] = 0;
        if (strrchr(path, '/')) *strrchr(path, '/') = 0;
        setenv("LD_LIBRARY_PATH", path, 1);
        execv("/proc/self/exe", argv);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
