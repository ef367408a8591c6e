/* lathe view: the screen on logs: of runs that are over, were killed or still go on; several are compared. Each log is
 * read by a process of its own, which HDF5 may crash on a damaged file without harm to the screen. */
#include "tui/commands/view.h"
#include "data/base/memory.h"
#include "data/base/path.h"
#include "tui/commands/arguments.h"
#include "tui/commands/command.h"
#include "tui/commands/find_runs.h"
#include "tui/commands/look.h"
#include "tui/feed/stored.h"
#include "tui/plain.h"
#include "tui/screen.h"
#include "tui/term/term.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FLAG_PLAIN, FLAG_ROOT, FLAG_LOOK, FLAG_HELP = FLAG_LOOK + LOOK_FLAGS };

static const struct flag flags[] = {
    [FLAG_PLAIN] = {"--plain", NULL, "sentences instead of a screen, for screen readers"},
    [FLAG_ROOT] = {"--root", "FOLDER", "where runs are (runs)"},
    LOOK_FLAG_ROWS(FLAG_LOOK),
    [FLAG_HELP] = {"--help", NULL, "this text"},
};

enum { LOGS_MAX = 16, BUFFER = 1 << 20 };

struct reader {
    char *path;
    int fd; /* -1: not started */
    pid_t pid;
};

/* ---- a log's own process ---- */

static void forget_terminal(void)
{
    const int null = open("/dev/null", O_RDWR);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) dup2(null, fd);
}

static int read_log(const char *path, int fd)
{
    struct stored *log;
    const enum lt_err err = stored_open(&log, path);
    if (err != LT_OK) return command_fail(err);
    forget_terminal();
    stored_serve(log, fd);
    stored_free(log);
    return 0;
}

/* `started`: the readers before this one, whose descriptors the new process must not hold open. */
static enum lt_err start_reader(struct reader *reader, const struct reader *started, size_t count)
{
    const int size = BUFFER;
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return lt_fail_errno("make", "a socket pair");
    setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    fflush(NULL);
    reader->fd = pair[0];
    reader->pid = fork();
    if (reader->pid < 0) {
        close(pair[1]);
        return lt_fail_errno("start", "a process that reads the log");
    }
    if (reader->pid == 0) {
        signal(SIGINT, SIG_IGN); /* meant for the screen */
        for (size_t i = 0; i < count; i++) close(started[i].fd);
        close(pair[0]);
        _exit(read_log(reader->path, pair[1]));
    }
    close(pair[1]);
    return LT_OK;
}

/* Waits until the reader has something to say. A reader that fails says why itself and ends. */
static bool has_spoken(const struct reader *reader)
{
    char byte;
    ssize_t count;
    while ((count = recv(reader->fd, &byte, 1, MSG_PEEK)) < 0 && errno == EINTR) continue;
    return count > 0;
}

/* Hangs up when that is still to do and waits for the end; the exit status. */
static int end_reader(struct reader *reader)
{
    int status = 0;
    if (reader->fd >= 0) close(reader->fd);
    reader->fd = -1;
    while (reader->pid > 0 && waitpid(reader->pid, &status, 0) < 0 && errno == EINTR) continue;
    reader->pid = 0;
    if (!WIFSIGNALED(status)) return WEXITSTATUS(status);
    return command_fail(lt_fail(LT_EDATA, "%s cannot be read: HDF5 ended with signal %d (%s) on it; it is damaged",
                                reader->path, WTERMSIG(status), strsignal(WTERMSIG(status))));
}

/* ---- the command ---- */

/* A run's folder or log: as given, or below the root. */
static enum lt_err find_log(char **path, const char *name, const char *root)
{
    if (path_exists(name) && !path_is_folder(name)) return *path = memory_text(name), LT_OK;
    if (found_run_folder(path, name, root) == LT_OK) return LT_OK;
    return lt_fail(LT_ENOTFOUND, "there is no run and no file '%s'; lathe runs lists runs", name);
}

static int show(struct reader *reader, size_t count, const struct preferences *look, bool plain)
{
    int other[LOGS_MAX];
    struct screen_end end = {0};
    for (size_t i = 1; i < count; i++) other[i - 1] = reader[i].fd;
    const struct screen_options options = {
        .fd = reader[0].fd, .other = other, .others = count - 1, .preferences = look};
    const enum lt_err err = plain ? plain_run(&options, &end) : screen_run(&options, &end);
    for (size_t i = 0; i < count; i++) reader[i].fd = -1; /* taken */
    free(end.sentence);
    if (err != LT_OK) return command_fail(err);
    if (end.how != SCREEN_LOST) return 0;
    const int status = end_reader(&reader[0]);
    return status ? status : command_fail(lt_fail(LT_EIO, "the process that read %s is gone", reader[0].path));
}

/* Why there can be no such screen; LT_OK: there can. */
static enum lt_err check_screen(const struct reader *reader, size_t count, bool plain)
{
    const char *why = NULL;
    if (plain && count > 1)
        return lt_fail(LT_EUSAGE, "--plain tells of one run at a time; '%s' is too much", reader[1].path);
    if (!plain && !term_possible(&why)) return lt_fail(LT_EUNSUPPORTED, "view needs a terminal, or --plain: %s", why);
    return LT_OK;
}

/* Frees the paths. */
static int show_logs(struct reader *reader, size_t count, const struct preferences *look, bool plain)
{
    int status = 0;
    enum lt_err err = LT_OK;
    for (size_t i = 0; i < count; i++) reader[i].fd = -1;
    for (size_t i = 0; err == LT_OK && i < count; i++) err = start_reader(&reader[i], reader, i);
    if (err != LT_OK) status = command_fail(err);
    for (size_t i = 0; status == 0 && i < count; i++)
        if (!has_spoken(&reader[i])) status = end_reader(&reader[i]);
    if (status == 0) {
        err = check_screen(reader, count, plain);
        status = err == LT_OK ? show(reader, count, look, plain) : command_fail(err);
    }
    for (size_t i = 0; i < count; i++) {
        end_reader(&reader[i]);
        free(reader[i].path);
    }
    return status;
}

int show_log(const char *folder, const struct preferences *look)
{
    return show_logs(&(struct reader){.path = memory_text(folder)}, 1, look, false);
}

static int view(const struct arguments *arguments)
{
    const char *root = arguments->value[FLAG_ROOT] ? arguments->value[FLAG_ROOT] : "runs";
    struct reader reader[LOGS_MAX] = {0};
    size_t count = 0;
    struct preferences look;
    enum lt_err err = look_read(&look, arguments, FLAG_LOOK);
    for (; err == LT_OK && count < arguments->rests; count++)
        err = find_log(&reader[count].path, arguments->rest[count], root);
    if (err == LT_OK) return show_logs(reader, count, &look, arguments->value[FLAG_PLAIN] != NULL);
    for (size_t i = 0; i < count; i++) free(reader[i].path);
    return command_fail(err);
}

static int run(int argc, char **argv)
{
    struct arguments arguments;
    int status = 0;
    enum lt_err err = arguments_read(&arguments, argc, argv, flags, sizeof flags / sizeof *flags);
    if (err == LT_OK && !arguments.value[FLAG_HELP] && arguments.rests == 0)
        err = lt_fail(LT_EUSAGE, "view which run? lathe runs lists them; attach finds a living one by itself");
    if (err == LT_OK && arguments.rests > LOGS_MAX)
        err = lt_fail(LT_EUSAGE, "%zu logs are too many; at most %d are compared", arguments.rests, (int)LOGS_MAX);
    if (err != LT_OK)
        status = command_fail(err);
    else if (arguments.value[FLAG_HELP])
        arguments_help("lathe view RUN|FOLDER|run.h5 [MORE…]",
                       "Shows what a run logged: one that is over, was killed or still goes on (its curves grow as it "
                       "does).\n"
                       "More runs are drawn beside the first. To steer a living run: lathe attach.",
                       flags, sizeof flags / sizeof *flags);
    else
        status = view(&arguments);
    arguments_release(&arguments);
    return status;
}

const struct command command_view = {.name = "view", .help = "the screen on logs, several to compare", .run = run};
