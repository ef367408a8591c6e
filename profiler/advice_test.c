#include "profiler/advice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* One staged run: the same step many times, its phases in milliseconds; every `rare`-th step has a checkpoint. */
struct stage {
    double data, h2d, forward, backward, optimizer, callbacks, log, other, checkpoint;
    double cpu, switches, slowed; /* every second step computes `slowed` times longer */
    double read_s, decode_s, kernel_s, kernel_calls;
    int workers, threads, cores, rare;
    double others; /* below 0: unknown */
};

static void fill(struct steps *steps, const struct stage *s)
{
    *steps = (struct steps){0};
    for (int i = 0; i < 200; i++) {
        const double slow = i % 2 && s->slowed > 0 ? s->slowed : 1;
        struct step_sample sample = {.step = i + 1, .cpu_ms = s->cpu, .switches = s->switches};
        sample.phase_ms[SPAN_DATA] = s->data;
        sample.phase_ms[SPAN_TRANSFER] = s->h2d;
        sample.phase_ms[SPAN_FORWARD] = s->forward * slow;
        sample.phase_ms[SPAN_BACKWARD] = s->backward * slow;
        sample.phase_ms[SPAN_OPTIMIZER] = s->optimizer * slow;
        sample.phase_ms[SPAN_CALLBACKS] = s->callbacks;
        sample.phase_ms[SPAN_LOG] = s->log;
        sample.phase_ms[SPAN_OTHER] = s->other;
        if (s->rare && i % s->rare == 0) sample.phase_ms[SPAN_CHECKPOINT] = s->checkpoint;
        for (int k = 0; k < SPAN_PHASES; k++) sample.wall_ms += sample.phase_ms[k];
        steps_add(steps, &sample);
    }
}

static void check(const struct stage *s, enum verdict verdict, const char *words)
{
    static struct steps steps;
    struct text text = {0};
    fill(&steps, s);
    const struct advice_input input = {.steps = &steps,
                                       .read_s = s->read_s,
                                       .decode_s = s->decode_s,
                                       .kernel_s = s->kernel_s,
                                       .kernel_calls = s->kernel_calls,
                                       .workers = s->workers,
                                       .threads = s->threads,
                                       .cores = s->cores,
                                       .knows_others = s->others >= 0,
                                       .others = s->others,
                                       .batch = 32};
    const struct advice advice = advise(&input, &text);
    if (advice.verdict != verdict || !strstr(text_get(&text), words))
        print_error("verdict %d, not %d: %s\n", (int)advice.verdict, (int)verdict, text_get(&text));
    assert_int_equal(advice.verdict, verdict);
    assert_non_null(strstr(text_get(&text), words));
    text_release(&text);
}

/* A healthy run on eight cores: 100 ms of computing, its threads busy. */
static struct stage healthy(void)
{
    return (struct stage){.data = 0.2,
                          .h2d = 0.3,
                          .forward = 35,
                          .backward = 60,
                          .optimizer = 4,
                          .callbacks = 0.1,
                          .log = 0.1,
                          .other = 0.3,
                          .cpu = 780,
                          .switches = 1,
                          .read_s = 0.1,
                          .decode_s = 10,
                          .kernel_s = 19,
                          .kernel_calls = 200 * 600,
                          .workers = 4,
                          .threads = 8,
                          .cores = 8,
                          .others = -1};
}

static void staged_cases_are_judged_right(void **state)
{
    (void)state;
    struct stage s = healthy();
    check(&s, VERDICT_COMPUTING, "Nothing stands in its way");

    s = healthy(); /* slow disk */
    s.data = 150, s.read_s = 90;
    check(&s, VERDICT_SLOW_READING, "60 % of the time a step waits for data, and 90 % of the workers' time is reading");

    s = healthy(); /* too few workers */
    s.data = 150, s.decode_s = 50, s.workers = 1;
    check(&s, VERDICT_FEW_WORKERS, "from 1 worker on 8 cores. Raise data.num_workers to 8.");
    s.workers = 8; /* enough of them, but the work is too much */
    check(&s, VERDICT_DECODING, "data.cache: decoded");

    s = (struct stage){.h2d = 0.02,
                       .forward = 0.2,
                       .backward = 0.3,
                       .optimizer = 0.05,
                       .callbacks = 0.05,
                       .log = 0.02,
                       .other = 0.08,
                       .cpu = 4,
                       .kernel_s = 200 * 0.0004,
                       .kernel_calls = 200 * 60,
                       .workers = 1,
                       .threads = 8,
                       .cores = 8}; /* tiny batch */
    check(&s, VERDICT_TINY_BATCH, "Raise data.batch_size.");

    s = healthy(); /* save stalls */
    s.checkpoint = 1500, s.rare = 20;
    check(&s, VERDICT_SAVES, "43 % of the time goes into checkpoints");

    s = healthy(); /* other load, come and gone */
    s.switches = 40, s.slowed = 2, s.kernel_s = 28.5;
    check(&s, VERDICT_OTHER_LOAD, "34 % of the time is lost to other programs");
    s = healthy(); /* other load, steady: half of the cores' time is missing */
    s.switches = 40, s.cpu = 400;
    check(&s, VERDICT_OTHER_LOAD, "lost to other programs on these 8 cores");
}

/* Rows of a log hold phases only. */
static void a_log_is_enough(void **state)
{
    (void)state;
    struct stage s = healthy();
    s.cpu = -1, s.kernel_s = s.kernel_calls = s.read_s = s.decode_s = 0;
    check(&s, VERDICT_COMPUTING, "Nothing stands in its way");
    s.slowed = 2;
    check(&s, VERDICT_OTHER_LOAD, "or to a processor that slows down");
    s.slowed = 0, s.data = 150, s.workers = -1;
    check(&s, VERDICT_DECODING, "Input-bound");
}

/* Threads that are more than the cores disturb each other; that is no other load. */
static void own_threads_are_no_other_load(void **state)
{
    (void)state;
    struct stage s = healthy();
    s.switches = 60, s.workers = 8;
    check(&s, VERDICT_COMPUTING, "");
    s.cpu = 400, s.workers = 0; /* half of the cores' time is missing, and nobody else had it */
    s.others = 0.02;
    check(&s, VERDICT_COMPUTING, "");
    s.others = 4;
    check(&s, VERDICT_OTHER_LOAD, "about 49 % of the time is lost");
}

static void few_steps_say_nothing(void **state)
{
    (void)state;
    struct steps steps = {0};
    struct text text = {0};
    const struct advice_input input = {.steps = &steps};
    assert_int_equal(advise(&input, &text).verdict, VERDICT_NONE);
    text_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(staged_cases_are_judged_right),
        cmocka_unit_test(a_log_is_enough),
        cmocka_unit_test(own_threads_are_no_other_load),
        cmocka_unit_test(few_steps_say_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
