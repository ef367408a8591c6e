/* lathe profile: where the time of a run went, also of a living or a killed one: phases from its log; its verdict, its
 * slowest steps and its tree of layers and kernels as it told screens last. */
#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/base/text.h"
#include "engine/config/config.h"
#include "engine/log/read.h"
#include "profiler/profiler.h"
#include "tui/clean.h"
#include "tui/commands/arguments.h"
#include "tui/commands/command.h"
#include "tui/commands/find_runs.h"
#include "tui/feed/document.h"
#include "tui/feed/profile_tree.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLAG_LAST, FLAG_ROOT, FLAG_HELP };

static const struct flag flags[] = {
    [FLAG_LAST] = {"--last", "N", "only the last N logged steps (all)"},
    [FLAG_ROOT] = {"--root", "FOLDER", "where runs are (runs)"},
    [FLAG_HELP] = {"--help", NULL, "this text"},
};

/* Which phase each column of a family is; -1: none of ours. Caller frees. */
static int *phases_of(const struct run_family *family)
{
    int *phase = memory_new(family->names + 1, sizeof *phase);
    for (size_t k = 0; k < family->names; k++) {
        phase[k] = -1;
        for (int i = 0; i < SPAN_PHASES; i++)
            if (strcmp(family->name[k], span_name(i)) == 0) phase[k] = i;
    }
    return phase;
}

/* Rows as samples of steps. One that was reserved but never written, and a damaged number, count as nothing. */
static void add_rows(struct steps *steps, const struct run_family_rows *rows, const int *phase, size_t names,
                     size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct step_sample sample = {.step = rows->step[i], .cpu_ms = -1};
        for (size_t k = 0; k < names; k++) {
            const double ms = (double)rows->value[i * names + k];
            if (phase[k] < 0 || !isfinite(ms) || ms < 0 || ms > 1e12) continue;
            sample.phase_ms[phase[k]] = ms;
            sample.wall_ms += ms;
        }
        if (rows->wall[i] > 0) steps_add(steps, &sample);
    }
}

static enum lt_err add_family(struct steps *steps, struct run_reader *reader, const struct run_family *family,
                              size_t first)
{
    enum { CHUNK = 4096 };
    struct run_family_rows rows = {memory_new(CHUNK, sizeof(int64_t)), memory_new(CHUNK, sizeof(double)),
                                   memory_new(CHUNK * (family->names + 1), sizeof(float))};
    int *phase = phases_of(family);
    enum lt_err err = LT_OK;
    for (; err == LT_OK && first < family->rows; first += CHUNK) {
        const size_t count = family->rows - first < CHUNK ? family->rows - first : CHUNK;
        err = run_reader_family_rows(reader, family, first, count, &rows);
        if (err == LT_OK) add_rows(steps, &rows, phase, family->names, count);
    }
    free(phase);
    free(rows.value), free(rows.wall), free(rows.step);
    return err;
}

/* All variants of the family that the log holds, or the last rows of the newest. */
static enum lt_err read_steps(struct steps *steps, struct run_reader *reader, size_t last)
{
    struct run_family family;
    enum lt_err err = LT_OK;
    for (int variant = 1; err == LT_OK && variant <= FAMILY_VARIANTS_MAX; variant++) {
        if (run_reader_family(reader, family_at(FAMILY_PHASE)->path, variant, &family) != LT_OK) break;
        if (last) *steps = (struct steps){0};
        err = add_family(steps, reader, &family, last && last < family.rows ? family.rows - last : 0);
        run_family_release(&family);
    }
    return err;
}

/* What the run's own configuration says of workers and batches; unknown where it cannot be read any more. */
static void read_settings(struct advice_input *input, const char *folder)
{
    struct config *config = NULL;
    char *path = path_join(folder, "config.yaml");
    input->workers = -1;
    if (config_read(&config, &path, 1, NULL, 0) == LT_OK) {
        input->workers = (int)config->data.num_workers;
        input->batch = config->data.batch_size;
    }
    config_free(config);
    free(path);
}

static void add_slowest(struct text *out, const json_t *slowest)
{
    text_add(out, "\nSlowest steps\n\n%10s %10s  %s\n", "step", "ms", "why");
    for (size_t i = 0; i < json_array_size(slowest); i++) {
        const json_t *step = json_array_get(slowest, i);
        const char *why = json_string_value(json_array_get(step, 2));
        text_add(out, "%10" PRId64 " %10.2f  %s\n", (int64_t)json_integer_value(json_array_get(step, 0)),
                 json_number_value(json_array_get(step, 1)), why ? why : "");
    }
}

/* What the log can tell: phases only. */
static void add_steps(struct text *out, const struct steps *steps, const char *folder)
{
    struct advice_input input = {.steps = steps};
    read_settings(&input, folder);
    advise(&input, out);
    text_add(out, "\n\n");
    steps_report(steps, out);
}

/* What the run itself last said, at most some seconds before its end, also of one that was killed: it knew more. */
static bool add_document(struct text *out, const struct steps *steps, const char *folder)
{
    struct document document = {0};
    struct tree_table table;
    if (!document_poll(&document, folder, "profile")) return false;
    profile_tree_read(&table, json_object_get(document.json, "whole"));
    const char *verdict = json_string_value(json_object_get(document.json, "verdict"));
    const bool told = verdict && table.rows > 0;
    if (told) {
        text_add(out, "%s\n\n", verdict);
        steps_report_phases(steps, out);
        add_slowest(out, json_object_get(document.json, "slowest"));
        text_add(out, "\nUp to step %" PRId64 ":", (int64_t)json_integer_value(json_object_get(document.json, "step")));
        profile_report_tree(&table, out);
    }
    tree_table_release(&table);
    document_release(&document);
    return told;
}

static void print_clean(struct text *text)
{
    struct text clean = {0};
    char *rest = text_detach(text), *const whole = rest;
    for (char *line; (line = strsep(&rest, "\n"));) {
        text_add(&clean, "\n");
        clean_add(&clean, line);
    }
    fputs(text_get(&clean), stdout);
    text_release(&clean);
    free(whole);
}

/* `last`: only some steps are asked for, and the run's own words are about all of them. */
static void print_report(const struct run_reader *reader, const char *folder, const struct steps *steps, bool last)
{
    const struct run_facts *facts = run_reader_facts(reader);
    struct text text = {0};
    char *report = path_join(folder, "profile.txt");
    printf("%s: %s on %s, %s, at step %" PRId64 "; its log has the times of %" PRId64 " steps\n", folder, facts->model,
           facts->device, facts->state, facts->last_step, steps->count);
    if (path_exists(report)) printf("%s says more\n", report);
    if (last || !add_document(&text, steps, folder)) add_steps(&text, steps, folder);
    print_clean(&text);
    text_release(&text);
    free(report);
}

static enum lt_err print_profile(const char *folder, size_t last)
{
    struct run_reader *reader;
    LT_TRY(run_reader_open(&reader, folder));
    struct steps *steps = memory_new(1, sizeof *steps);
    enum lt_err err = read_steps(steps, reader, last);
    if (err == LT_OK && steps->count == 0)
        err = lt_fail(LT_ENOTFOUND, "the log of %s has no steps yet; try again when it has trained a few", folder);
    if (err == LT_OK) print_report(reader, folder, steps, last > 0);
    free(steps);
    run_reader_close(reader);
    return err;
}

/* The folder of the run that is meant: given, or below the root ("cnn/version_3"), or the newest. */
static enum lt_err find_folder(char **folder, const struct arguments *arguments, const char *root)
{
    if (arguments->rests > 1) return lt_fail(LT_EUSAGE, "one run, please; '%s' is too much", arguments->rest[1]);
    if (arguments->rests) return found_run_folder(folder, arguments->rest[0], root);
    struct found_runs runs;
    LT_TRY(found_runs_list(&runs, root));
    *folder = runs.count ? memory_text(runs.run[0].folder) : NULL;
    found_runs_release(&runs);
    return *folder ? LT_OK : lt_fail(LT_ENOTFOUND, "there are no runs below %s; lathe fit starts one", root);
}

static enum lt_err profile(const struct arguments *arguments)
{
    const char *last = arguments->value[FLAG_LAST];
    char *end = NULL, *folder = NULL;
    const long count = last ? strtol(last, &end, 10) : 0;
    if (last && (*end || count < 1)) return lt_fail(LT_EUSAGE, "--last %s is no number of steps", last);
    LT_TRY(find_folder(&folder, arguments, arguments->value[FLAG_ROOT] ? arguments->value[FLAG_ROOT] : "runs"));
    enum lt_err err = print_profile(folder, (size_t)count);
    free(folder);
    return err;
}

static int run(int argc, char **argv)
{
    struct arguments arguments;
    enum lt_err err = arguments_read(&arguments, argc, argv, flags, sizeof flags / sizeof *flags);
    if (err == LT_OK && arguments.value[FLAG_HELP])
        arguments_help("lathe profile [RUN] [--last N]",
                       "Where the time of a run's steps went, the slowest steps with their causes, and what to do "
                       "about it; from its log,\n"
                       "so also of a run that is going on or was killed. No RUN: the newest.",
                       flags, sizeof flags / sizeof *flags);
    else if (err == LT_OK)
        err = profile(&arguments);
    arguments_release(&arguments);
    return err == LT_OK ? 0 : command_fail(err);
}

const struct command command_profile = {.name = "profile", .help = "says where the time of a run went", .run = run};
