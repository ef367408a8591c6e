#include "profiler/steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* 100 steps of 10 ms, and one after them in which `phase` takes `ms` more. */
static struct step_sample slow_step(struct steps *steps, int phase, double ms)
{
    *steps = (struct steps){0};
    struct step_sample sample = {.wall_ms = 10, .cpu_ms = 18, .faults = 1};
    sample.phase_ms[SPAN_DATA] = 1;
    sample.phase_ms[SPAN_FORWARD] = 3;
    sample.phase_ms[SPAN_BACKWARD] = 6;
    for (sample.step = 1; sample.step <= 100; sample.step++) steps_add(steps, &sample);
    sample.wall_ms += ms;
    sample.phase_ms[phase] += ms;
    return sample;
}

static void assert_cause(const struct steps *steps, const struct step_sample *sample, const char *words)
{
    struct text text = {0};
    steps_say_cause(steps, sample, &text);
    if (!strstr(text_get(&text), words)) print_error("'%s' has no '%s'\n", text_get(&text), words);
    assert_non_null(strstr(text_get(&text), words));
    text_release(&text);
}

static void slow_steps_have_causes(void **state)
{
    (void)state;
    struct steps steps;
    struct step_sample sample = slow_step(&steps, SPAN_DATA, 50);
    assert_cause(&steps, &sample, "data wait 51 ms");
    sample = slow_step(&steps, SPAN_CHECKPOINT, 50);
    assert_cause(&steps, &sample, "checkpoint 50 ms");
    sample = slow_step(&steps, SPAN_VALIDATION, 500);
    assert_cause(&steps, &sample, "validation 500 ms");
    sample = slow_step(&steps, SPAN_BACKWARD, 50);
    assert_cause(&steps, &sample, "processor ran slower");
    sample.switches = 12;
    assert_cause(&steps, &sample, "other load (12 involuntary switches)");
    sample.faults = 60000;
    assert_cause(&steps, &sample, "60000 page faults");
    sample.cpu_ms = -1;
    assert_cause(&steps, &sample, "other load, or memory touched first");
    sample = slow_step(&steps, SPAN_DATA, 0.5);
    assert_cause(&steps, &sample, "as usual");
    steps = (struct steps){0};
    sample = (struct step_sample){.wall_ms = 100, .phase_ms[SPAN_DATA] = 90, .cpu_ms = -1};
    for (int i = 0; i < 20; i++) steps_add(&steps, &sample);
    assert_cause(&steps, &sample, "as usual: data wait 90 ms");
}

/* The ten slowest of a thousand in any order, the slowest first; sums exact. */
static void the_slowest_are_kept(void **state)
{
    (void)state;
    struct steps steps = {0};
    for (int64_t i = 0; i < 1000; i++) {
        const int64_t step = i * 7 % 1000;
        steps_add(&steps, &(struct step_sample){.step = step, .wall_ms = (double)step, .cpu_ms = -1});
    }
    assert_int_equal(steps.slow, STEPS_SLOWEST);
    for (int i = 0; i < STEPS_SLOWEST; i++) assert_int_equal(steps.slowest[i].step, 999 - i);
    assert_true(steps.wall_ms == 999 * 500 && steps.count == 1000 && steps.known == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(slow_steps_have_causes),
                                       cmocka_unit_test(the_slowest_are_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
