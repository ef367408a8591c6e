/* lathe runs: a table of runs. */
#include "data/base/clock.h"
#include "engine/log/read.h"
#include "tui/commands/arguments.h"
#include "tui/commands/command.h"
#include "tui/commands/find_runs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { FLAG_ROOT, FLAG_HELP };

static const struct flag flags[] = {
    [FLAG_ROOT] = {"--root", "FOLDER", "where runs are (runs)"},
    [FLAG_HELP] = {"--help", NULL, "this text"},
};

static void say_age(char text[16], double seconds)
{
    if (seconds < 90)
        snprintf(text, 16, "%.0f s", seconds < 0 ? 0 : seconds);
    else if (seconds < 5400)
        snprintf(text, 16, "%.0f min", seconds / 60);
    else if (seconds < 129600)
        snprintf(text, 16, "%.0f h", seconds / 3600);
    else
        snprintf(text, 16, "%.0f d", seconds / 86400);
}

/* The best validation accuracy, else the best validation loss. */
static void say_best(char text[40], struct run_reader *reader)
{
    static const char *const names[] = {"val/acc", "val/f1", "val/loss"};
    snprintf(text, 40, "-");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        double value;
        int64_t step;
        if (!run_reader_best(reader, names[i], &value, &step)) continue;
        snprintf(text, 40, "%s %.4f", names[i], value);
        return;
    }
}

static void print_row(const struct found_run *run)
{
    char age[16], best[40] = "-";
    struct run_reader *reader;
    say_age(age, clock_wall() - run->modified);
    if (run_reader_open(&reader, run->folder) != LT_OK) {
        printf("%-9s %-18s %10s %-16s %-8s %s\n", run->live ? "live" : "no log", "-", "-", "-", age, run->folder);
        return;
    }
    const struct run_facts *facts = run_reader_facts(reader);
    say_best(best, reader);
    bool killed = !run->live && (strcmp(facts->state, "running") == 0 || strcmp(facts->state, "paused") == 0 ||
                                 strcmp(facts->state, "starting") == 0);
    printf("%-9s %-18.18s %10" PRId64 " %-16s %-8s %s\n", killed ? "killed" : facts->state, facts->model,
           facts->last_step, best, age, run->folder);
    run_reader_close(reader);
}

static enum lt_err print_table(const char *root)
{
    struct found_runs runs;
    LT_TRY(found_runs_list(&runs, root));
    if (runs.count == 0)
        printf("no runs below %s; lathe fit -c run.yaml starts one\n", root);
    else
        printf("%-9s %-18s %10s %-16s %-8s %s\n", "STATE", "MODEL", "STEP", "BEST", "AGE", "FOLDER");
    for (size_t i = 0; i < runs.count; i++) print_row(&runs.run[i]);
    found_runs_release(&runs);
    return LT_OK;
}

static int run(int argc, char **argv)
{
    struct arguments arguments;
    enum lt_err err = arguments_read(&arguments, argc, argv, flags, sizeof flags / sizeof *flags);
    if (err == LT_OK && arguments.rests)
        err = lt_fail(LT_EUSAGE, "'%s' is too much: runs takes no names", arguments.rest[0]);
    if (err == LT_OK && arguments.value[FLAG_HELP])
        arguments_help("lathe runs [--root FOLDER]",
                       "Lists runs, the newest first: state, model, step, best validation value, age, folder.", flags,
                       sizeof flags / sizeof *flags);
    else if (err == LT_OK)
        err = print_table(arguments.value[FLAG_ROOT] ? arguments.value[FLAG_ROOT] : "runs");
    arguments_release(&arguments);
    return err == LT_OK ? 0 : command_fail(err);
}

const struct command command_runs = {.name = "runs", .help = "lists runs with state and best value", .run = run};
