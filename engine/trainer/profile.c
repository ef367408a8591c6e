/* What the profiler is told of a run, and the files that a profiled run leaves: profile.txt, trace.json. */
#include "data/base/path.h"
#include "data/base/thread.h"
#include "engine/trainer/ceilings.h"
#include "engine/trainer/run.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static double ms_of(struct timeval time)
{
    return (double)time.tv_sec * 1e3 + (double)time.tv_usec * 1e-3;
}

static struct usage_before usage_now(void)
{
    struct rusage now = {0};
    getrusage(RUSAGE_SELF, &now);
    return (struct usage_before){.cpu_ms = ms_of(now.ru_utime) + ms_of(now.ru_stime),
                                 .faults = (double)(now.ru_minflt + now.ru_majflt),
                                 .switches = (double)now.ru_nivcsw};
}

void profile_note_usage(struct run *run)
{
    run->pace.usage = usage_now();
}

void profile_sample(struct run *run, double wall_ms)
{
    const struct usage_before now = usage_now(), before = run->pace.usage;
    struct step_sample sample = {.step = run->at.step,
                                 .wall_ms = wall_ms,
                                 .cpu_ms = now.cpu_ms - before.cpu_ms,
                                 .faults = now.faults - before.faults,
                                 .switches = now.switches - before.switches};
    memcpy(sample.phase_ms, run->pace.phase_ms, sizeof sample.phase_ms);
    run->pace.usage = now;
    profile_step(run->profile, &sample);
}

static void save(struct run *run, const char *name, const struct text *text)
{
    char *path = path_join(run->folder, name);
    if (path_write_atomic(path, text_get(text), text->length) != LT_OK)
        log_event(run->log, EVENT_NOTE, LEVEL_WARNING, run->at.step, "%s not written: %s", name, lt_message());
    free(path);
}

/* The ceilings stay 0 where there is no room to measure them; plain loops have none worth knowing. */
static void measure_ceilings(const struct run *run, struct profile_facts *facts)
{
    struct ceilings ceilings;
    const bool bf16 = strcmp(run->config->trainer.precision, "bf16-mixed") == 0;
    if (run->backend != &backend_cpu || ceilings_measure(&ceilings, run->backend, run->device, bf16) != LT_OK) return;
    facts->flops = ceilings.flops;
    facts->bandwidth = ceilings.bandwidth;
}

static void save_advanced(struct run *run, struct profile_facts *facts)
{
    struct text report = {0}, trace = {0}, verdict = {0};
    profile_trace(run->profile, &trace);
    measure_ceilings(run, facts);
    profile_report(run->profile, facts, &report);
    profile_advise(run->profile, facts, &verdict);
    save(run, "profile.txt", &report);
    save(run, "trace.json", &trace);
    log_event(run->log, EVENT_NOTE, LEVEL_INFO, run->at.step, "profile: %s", text_get(&verdict));
    text_release(&verdict);
    text_release(&trace);
    text_release(&report);
}

void profile_save(struct run *run)
{
    const char *profiler = run->config->trainer.profiler;
    if (!profiler) return;
    profile_read(run->profile);
    struct profile_facts facts = {.title = "FIT Profiler Report",
                                  .wall_s = pace_elapsed_s(&run->pace),
                                  .workers = (int)run->config->data.num_workers,
                                  .threads = run->backend->threads(run->device),
                                  .cores = thread_cores(),
                                  .batch = run->config->data.batch_size};
    if (strcmp(profiler, "advanced") == 0) {
        save_advanced(run, &facts);
        return;
    }
    struct text report = {0};
    profiler_simple_report(&report, facts.title, facts.wall_s);
    save(run, "profile.txt", &report);
    fputs(text_get(&report), stdout);
    text_release(&report);
}
