/* lathe ctl: tells a run that is going on what to do, or asks how it goes, and waits for the answer: for scripts. */
#include "data/base/clock.h"
#include "data/base/options.h"
#include "data/base/text.h"
#include "engine/log/control.h"
#include "engine/log/wire.h"
#include "tui/commands/arguments.h"
#include "tui/commands/command.h"
#include "tui/commands/find_runs.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FLAG_JSON, FLAG_TIMEOUT, FLAG_ROOT, FLAG_HELP };

static const struct flag flags[] = {
    [FLAG_JSON] = {"--json", NULL, "prints one JSON object instead of sentences"},
    [FLAG_TIMEOUT] = {"--timeout", "SECONDS", "how long to wait for the answer (600)"},
    [FLAG_ROOT] = {"--root", "FOLDER", "where runs are (runs)"},
    [FLAG_HELP] = {"--help", NULL, "this text"},
};

enum { EXIT_NOT_DONE = 1, EXIT_NO_SUCH_RUN = 4 }; /* beside 0 and the usage error's 2 */

enum { STATUS = -1, NOTHING = 0 }; /* the verb that is no command to the run; no type of frame */

/* What is asked of which run. */
struct task {
    char *folder;
    int verb; /* enum control, or STATUS */
    char argument[CONTROL_ARGUMENT_MAX];
    double timeout_s;
    bool json;
};

/* The line to the run and the newest frame of each kind that came over it. */
struct line {
    int fd;
    struct text in;
    json_t *last[WIRE_COMMAND + 1];
    bool gone; /* hung up, or spoke something else */
};

/* ---- the line ---- */

static void hang_up(struct line *self)
{
    if (self->fd >= 0) close(self->fd);
    text_release(&self->in);
    for (int i = 0; i <= WIRE_COMMAND; i++) json_decref(self->last[i]);
}

static void take_frames(struct line *self)
{
    enum wire_type type;
    const void *payload;
    size_t length, done = 0;
    int64_t frame;
    while ((frame = wire_next(self->in.bytes + done, self->in.length - done, &type, &payload, &length)) > 0) {
        done += (size_t)frame;
        if (type == WIRE_POINTS) continue; /* the history of a long run: nobody asked for it */
        json_t *json = wire_get_json(payload, length);
        if (!json) self->gone = true;
        json_decref(self->last[type]);
        self->last[type] = json;
    }
    if (frame < 0) self->gone = true;
    if (done) memmove(self->in.bytes, self->in.bytes + done, self->in.length - done);
    self->in.length -= done;
}

/* Listens until a frame of the kind came (NOTHING: to the end); false: the run hung up or the time is over. */
static bool listen_for(struct line *self, int wanted, int64_t until_ns)
{
    char bytes[65536];
    while (!self->last[wanted] && !self->gone) {
        int64_t left_ms = (until_ns - clock_ns() + 999999) / 1000000;
        struct pollfd watch = {.fd = self->fd, .events = POLLIN};
        if (left_ms <= 0) return false;
        if (poll(&watch, 1, left_ms > 60000 ? 60000 : (int)left_ms) <= 0) continue;
        ssize_t count = recv(self->fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (count <= 0) self->gone = true;
        if (count > 0) text_add_bytes(&self->in, bytes, (size_t)count);
        if (count > 0) take_frames(self);
    }
    return self->last[wanted] != NULL;
}

static bool ask(struct line *self, const struct task *task)
{
    struct text out = {0};
    json_t *json = json_pack("{s:i, s:s}", "request", 1, "command", control_name((enum control)task->verb));
    if (*task->argument) json_object_set_new(json, "argument", json_string(task->argument));
    wire_put_json(&out, WIRE_COMMAND, json);
    bool sent = send(self->fd, out.bytes, out.length, MSG_NOSIGNAL) == (ssize_t)out.length;
    text_release(&out);
    return sent;
}

/* ---- saying ---- */

static const char *word(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "";
}

static void print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    putchar('\n');
}

static void say_time(const char *words, double seconds)
{
    int64_t s = (int64_t)seconds;
    if (seconds >= 0) printf(", %" PRId64 ":%02d:%02d %s", s / 3600, (int)(s / 60 % 60), (int)(s % 60), words);
}

static void print_status(const struct task *task, const struct line *line)
{
    const json_t *hello = line->last[WIRE_HELLO];
    struct run_status s;
    wire_read_status(&s, line->last[WIRE_STATUS]);
    printf("%s: %s (%s), pid %" PRId64 " on %s\n", task->folder, run_state_name(s.state), run_stage_name(s.stage),
           (int64_t)json_integer_value(json_object_get(hello, "pid")), word(hello, "host"));
    printf("%s, %s, %s\n", word(hello, "model"), word(hello, "precision"), word(hello, "device"));
    printf("step %" PRId64, s.step);
    if (s.steps > 0) printf(" of %" PRId64, s.steps);
    printf(", epoch %" PRId64, s.epoch + 1);
    if (s.epochs > 0) printf(" of %" PRId64, s.epochs);
    printf(", batch %" PRId64 " of %" PRId64 "\n", s.batch, s.batches);
    printf("loss %g, lr %g", s.loss, s.lr);
    if (s.lr_factor != 1) printf(" (%g times what is configured)", s.lr_factor);
    if (isfinite(s.best)) printf(", best %s %g", s.monitor, s.best);
    printf("\n%.0f img/s", s.samples_per_s);
    say_time("elapsed", s.elapsed_s);
    say_time("left", s.left_s);
    putchar('\n');
}

/* Everything HELLO and STATUS hold, in one object; the names of parameters are no part of how it goes. */
static void print_status_json(const struct line *line)
{
    json_t *all = json_copy(line->last[WIRE_HELLO]);
    json_object_del(all, "parameters");
    json_object_update(all, line->last[WIRE_STATUS]);
    print_json(all);
    json_decref(all);
}

static int print_answer(const struct task *task, const struct line *line)
{
    json_t *answer = line->last[WIRE_ANSWER];
    bool done = json_is_true(json_object_get(answer, "done"));
    json_object_del(answer, "request");
    if (task->json)
        print_json(answer);
    else
        fprintf(done ? stdout : stderr, "%s at step %" PRId64 ": %s\n", done ? "done" : "lathe: not done",
                (int64_t)json_integer_value(json_object_get(answer, "step")), word(answer, "text"));
    return done ? 0 : EXIT_NOT_DONE;
}

/* ---- one task ---- */

static int not_done(const char *why)
{
    fprintf(stderr, "lathe: not done: %s\n", why);
    return EXIT_NOT_DONE;
}

/* Why nothing came: the run ended, hung up, or is slow. */
static int no_answer(const struct task *task, const struct line *line, bool asked)
{
    char why[128];
    if (line->last[WIRE_BYE]) return not_done(word(line->last[WIRE_BYE], "sentence"));
    if (line->gone) return not_done("the run hung up without an answer; lathe runs says how it stands");
    snprintf(why, sizeof why, "no answer within %g s%s", task->timeout_s,
             asked ? "; the run will still obey when it gets there" : "");
    return not_done(why);
}

static int command_run(const struct task *task, struct line *line, int64_t until_ns)
{
    bool stops = task->verb == COMMAND_STOP || task->verb == COMMAND_SAVE_AND_STOP;
    if (!ask(line, task)) line->gone = true;
    if (!listen_for(line, WIRE_ANSWER, until_ns)) return no_answer(task, line, true);
    if (stops) listen_for(line, NOTHING, until_ns); /* a run has stopped when its log is closed */
    return print_answer(task, line);
}

static int carry_out(const struct task *task, struct line *line)
{
    int64_t until_ns = clock_ns() + (int64_t)(task->timeout_s * 1e9);
    if (!listen_for(line, WIRE_HELLO, until_ns)) return no_answer(task, line, false);
    if (json_integer_value(json_object_get(line->last[WIRE_HELLO], "version")) != WIRE_VERSION)
        return not_done("that run belongs to another version of lathe; use the one it was started with");
    if (task->verb != STATUS) return command_run(task, line, until_ns);
    if (!listen_for(line, WIRE_STATUS, until_ns)) return no_answer(task, line, false);
    if (task->json)
        print_status_json(line);
    else
        print_status(task, line);
    return 0;
}

/* ---- the command line ---- */

/* "status", or what control_read knows. */
static enum lt_err read_command(struct task *task, char *const *word, size_t words)
{
    struct request request;
    task->verb = STATUS;
    if (strcmp(word[0], "status") == 0)
        return words == 1 ? LT_OK : lt_fail(LT_EUSAGE, "'%s' is too much: status is all it takes", word[1]);
    if (control_read(&request, word, words) != LT_OK)
        return control_find(word[0]) >= 0
                   ? LT_EUSAGE
                   : lt_fail(LT_EUSAGE, "%s; name one run, then what it shall do: lathe ctl --help lists it",
                             lt_message());
    task->verb = (int)request.command;
    memcpy(task->argument, request.argument, sizeof task->argument);
    return LT_OK;
}

static enum lt_err read_task(struct task *task, const struct arguments *arguments)
{
    const char *timeout = arguments->value[FLAG_TIMEOUT];
    char *end;
    if (arguments->configs || arguments->overrides)
        return lt_fail(LT_EUSAGE,
                       "ctl takes no configuration; a running one is changed with: lathe ctl RUN set lr=3e-4");
    if (arguments->rests < 2)
        return lt_fail(LT_EUSAGE, "which run shall do what? like: lathe ctl RUN pause; lathe runs lists runs");
    task->json = arguments->value[FLAG_JSON] != NULL;
    task->timeout_s = timeout ? strtod(timeout, &end) : 600;
    if (timeout && (end == timeout || *end || !(task->timeout_s > 0 && task->timeout_s <= 1e9)))
        return lt_fail(LT_EUSAGE, "--timeout %s is no number of seconds", timeout);
    return read_command(task, arguments->rest + 1, arguments->rests - 1);
}

static int control(const struct arguments *arguments)
{
    struct task task = {0};
    struct line line = {.fd = -1};
    const char *root = arguments->value[FLAG_ROOT] ? arguments->value[FLAG_ROOT] : "runs";
    if (read_task(&task, arguments) != LT_OK) return command_fail(LT_EUSAGE);
    int status = EXIT_NO_SUCH_RUN;
    if (found_run_folder(&task.folder, arguments->rest[0], root) != LT_OK)
        fprintf(stderr, "lathe: %s\n", lt_message());
    else if ((line.fd = found_run_connect(task.folder)) < 0)
        fprintf(stderr,
                "lathe: the run %s is not going on; go on from its last checkpoint with: lathe fit --resume %s\n",
                task.folder, task.folder);
    else
        status = carry_out(&task, &line);
    hang_up(&line);
    free(task.folder);
    return status;
}

static void help(void)
{
    printf("usage: lathe ctl RUN COMMAND [ARGUMENT] [--json] [--timeout SECONDS]\n\n"
           "Tells a training that is going on what to do, waits until that is done and says so in a sentence. RUN is\n"
           "its folder or name, like cnn/version_3, or cnn for the newest version.\n\n");
    for (int i = 0; i < COMMANDS; i++)
        printf("  %-14s %-13s %s\n", control_name((enum control)i), control_argument((enum control)i),
               control_help((enum control)i));
    printf("  %-14s %-13s %s\n\n", "status", "", "says how it goes; with --json everything that is known");
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        printf("  %-9s %-18s %s\n", flags[i].name, flags[i].value ? flags[i].value : "", flags[i].help);
    printf("\nexit status: 0 done, 1 not done (standard error says why), 2 wrong usage, 4 no such run is going on\n");
}

static int run(int argc, char **argv)
{
    struct arguments arguments;
    int status = 0;
    enum lt_err err = arguments_read(&arguments, argc, argv, flags, sizeof flags / sizeof *flags);
    if (err != LT_OK)
        status = command_fail(err);
    else if (arguments.value[FLAG_HELP])
        help();
    else
        status = control(&arguments);
    arguments_release(&arguments);
    return status;
}

const struct command command_ctl = {.name = "ctl", .help = "tells a training that is going on what to do", .run = run};
