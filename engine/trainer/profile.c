/* What the profiler is told of a run, and the files that a profiled run leaves: profile.txt, trace.json. */
#include "data/base/clock.h"
#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/base/thread.h"
#include "engine/log/wire.h"
#include "engine/trainer/ceilings.h"
#include "engine/trainer/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static struct profile_facts facts_of(const struct run *run)
{
    const struct pace *pace = &run->pace;
    return (struct profile_facts){.title = "FIT Profiler Report",
                                  .wall_s = pace_elapsed_s(pace),
                                  .workers = (int)run->config->data.num_workers,
                                  .threads = run->backend->threads(run->device),
                                  .cores = thread_cores(),
                                  .knows_others = pace->usages > 0,
                                  .others = pace->usages > 0 ? pace->others / (double)pace->usages : 0,
                                  .batch = run->config->data.batch_size};
}

/* ---- for screens: the document `profile` ---- */

/* [parent, name, calls, total ns, self ns, p95 ns, flops, bytes, is a kernel] of each node. */
static json_t *rows_of(const struct tree_table *table)
{
    json_t *rows = json_array();
    for (int i = 0; i < table->rows; i++) {
        const struct tree_row *row = &table->row[i];
        json_array_append_new(rows, json_pack("[i, s, I, I, I, I, I, I, b]", row->parent, row->name,
                                              (json_int_t)row->calls, (json_int_t)(row->total_s * 1e9),
                                              (json_int_t)(row->self_s * 1e9), (json_int_t)(row->p95_s * 1e9),
                                              (json_int_t)row->flops, (json_int_t)row->bytes, (int)row->is_kernel));
    }
    return rows;
}

static json_t *slowest_of(const struct steps *steps)
{
    json_t *slowest = json_array();
    for (int i = 0; i < steps->slow; i++) {
        struct text why = {0};
        steps_say_cause(steps, &steps->slowest[i], &why);
        json_array_append_new(slowest, json_pack("[I, f, s]", (json_int_t)steps->slowest[i].step,
                                                 steps->slowest[i].wall_ms, text_get(&why)));
        text_release(&why);
    }
    return slowest;
}

/* Adds the tree as `name`, and the time that it is about. */
static void add_tree(json_t *json, const struct profile *profile, bool window, const char *name, const char *seconds)
{
    struct tree_table table;
    profile_tree(profile, window, &table);
    json_object_set_new(json, name, rows_of(&table));
    json_object_set_new(json, seconds, json_real(table.rows ? table.row[0].total_s : 0));
    tree_table_release(&table);
}

static void tell_profile(struct run *run)
{
    const struct profile_facts facts = facts_of(run);
    struct text verdict = {0};
    const struct advice advice = profile_advise(run->profile, &facts, &verdict);
    json_t *json = json_pack("{s:I, s:s, s:b, s:o}", "step", (json_int_t)run->at.step, "verdict", text_get(&verdict),
                             "good", advice.verdict == VERDICT_COMPUTING || advice.verdict == VERDICT_NONE, "slowest",
                             slowest_of(profile_steps(run->profile)));
    add_tree(json, run->profile, true, "window", "window_s");
    add_tree(json, run->profile, false, "whole", "run_s");
    log_document(run->log, "profile", json);
    text_release(&verdict);
}

/* At most every two seconds, and so seldom that it costs less than a thousandth of the time. */
static void tell_profile_now_and_then(struct run *run)
{
    const int64_t begin = clock_ns(), least_ns = 2000000000;
    if (begin < run->pace.profile_due_ns) return;
    tell_profile(run);
    const int64_t cost_ns = clock_ns() - begin, wait_ns = 1000 * cost_ns;
    run->pace.profile_due_ns = begin + (wait_ns > least_ns ? wait_ns : least_ns);
}

/* The document `memory`: what each instruction of a step finds in the arena. */
void profile_tell_memory(const struct run *run)
{
    static const char *const phase[] = {[PLAN_FORWARD] = "forward", [PLAN_BACKWARD] = "backward"};
    json_t *live = json_array(), *name = json_array();
    int count[2], at = 0;
    const struct instruction *list[2] = {plan_instructions(run->plan, PLAN_FORWARD, &count[0]),
                                         plan_instructions(run->plan, PLAN_BACKWARD, &count[1])};
    int64_t *bytes = memory_new((size_t)(count[0] + count[1]) + 1, sizeof *bytes);
    plan_live_bytes(run->plan, bytes);
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < count[k]; i++) {
            const struct node *node = list[k][i].call->node;
            json_array_append_new(live, json_integer((json_int_t)bytes[at++]));
            json_array_append_new(name, json_sprintf("%s %s %s", phase[k], node->name, node->op->name));
        }
    free(bytes);
    const struct plan_summary plan = plan_summarise(run->plan);
    log_document(run->log, "memory",
                 json_pack("{s:o, s:o, s:I, s:I, s:I, s:I}", "live", live, "name", name, "arena",
                           (json_int_t)plan.arena_bytes, "parameters", (json_int_t)plan.parameter_bytes, "gradients",
                           (json_int_t)plan.gradient_bytes, "states", (json_int_t)plan.state_bytes));
}

/* ---- steps ---- */

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
    tell_profile_now_and_then(run);
}

/* ---- the machine ---- */

/* What other programs use, in % of a core, while there are steps that they could hold up. */
static void note_others(struct run *run, double percent)
{
    if (!isfinite(percent) || run->status.state == RUN_PAUSED) return;
    run->pace.usages++;
    run->pace.others += fmax(0, percent) / 100;
}

void profile_usage(struct run *run)
{
    const int64_t now = clock_ns(), every_ns = 1000000000;
    double value[USAGE_VALUES + GPUS_MAX * USAGE_GPU_VALUES];
    if (!run->usage || run->at.step == 0 || now < run->pace.usage_due_ns) return;
    if (run->pace.usage_due_ns) { /* not before a second is over: rates of less say little */
        usage_take(run->usage, value);
        note_others(run, value[USAGE_CPU] - value[USAGE_CPU_RUN]);
        log_family(run->log, FAMILY_MACHINE, run->at.step, value);
    }
    run->pace.usage_due_ns = now + every_ns;
}

/* The document `machine`. */
void profile_tell_machine(const struct run *run)
{
    struct usage_facts facts;
    json_t *gpus = json_array();
    usage_facts(run->usage, &facts);
    for (int i = 0; i < facts.gpus; i++)
        json_array_append_new(gpus, json_pack("{s:o, s:o}", "name", wire_text(facts.gpu[i].name), "memory",
                                              wire_number(facts.gpu[i].memory)));
    log_document(run->log, "machine",
                 json_pack("{s:i, s:f, s:o}", "cores", facts.cores, "memory", facts.memory, "gpus", gpus));
}

/* ---- files ---- */

static enum lt_err save(const struct run *run, const char *name, const struct text *text)
{
    char *path = path_join(run->folder, name);
    enum lt_err err = path_write_atomic(path, text_get(text), text->length);
    free(path);
    return err;
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

static enum lt_err save_advanced(const struct run *run)
{
    struct profile_facts facts = facts_of(run);
    struct text report = {0}, trace = {0};
    profile_trace(run->profile, &trace);
    measure_ceilings(run, &facts);
    profile_report(run->profile, &facts, &report);
    enum lt_err err = save(run, "profile.txt", &report);
    if (err == LT_OK) err = save(run, "trace.json", &trace);
    text_release(&trace);
    text_release(&report);
    return err;
}

static enum lt_err save_simple(const struct run *run)
{
    const struct profile_facts facts = facts_of(run);
    struct text report = {0};
    profiler_simple_report(&report, facts.title, facts.wall_s);
    fputs(text_get(&report), stdout);
    enum lt_err err = save(run, "profile.txt", &report);
    text_release(&report);
    return err;
}

enum lt_err profile_export(struct run *run)
{
    const int64_t begin = clock_ns();
    profile_read(run->profile);
    enum lt_err err = save_advanced(run);
    run->pace.step_began_ns += clock_ns() - begin;
    profile_note_usage(run);
    return err;
}

static void say_verdict(const struct run *run)
{
    const struct profile_facts facts = facts_of(run);
    struct text verdict = {0};
    profile_advise(run->profile, &facts, &verdict);
    log_event(run->log, EVENT_NOTE, LEVEL_INFO, run->at.step, "profile: %s", text_get(&verdict));
    text_release(&verdict);
}

void profile_save(struct run *run)
{
    const char *profiler = run->config->trainer.profiler;
    profile_read(run->profile);
    tell_profile(run);
    if (!profiler) return;
    const bool advanced = strcmp(profiler, "advanced") == 0;
    if ((advanced ? save_advanced(run) : save_simple(run)) != LT_OK)
        log_event(run->log, EVENT_NOTE, LEVEL_WARNING, run->at.step, "the profile is not written: %s", lt_message());
    if (advanced) say_verdict(run);
}
