#include "tui/commands/start.h"

#include "data/base/path.h"
#include "tui/commands/command.h"
#include "tui/commands/view.h"
#include "tui/plain.h"
#include "tui/term/term.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void on_signal(int number)
{
    run_signal(number);
}

/* SIGHUP and SIGPIPE never end a training; SIGINT, SIGTERM and SIGUSR1 reach the trainer at its next step. */
static void watch_signals(void)
{
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGUSR1, &act, NULL);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

/* After a good end: what a person would do now, ready to be copied; all of it needs a checkpoint. */
static void suggest_next(const char *folder)
{
    const char *program = program_invocation_name;
    char *last = path_join(folder, "checkpoints/last.ckpt");
    bool saved = path_exists(last);
    free(last);
    if (!saved) return;
    printf("next: %s predict %s PICTURES…     classifies pictures\n", program, folder);
    printf("      %s fit --resume %s --trainer.max_epochs N     goes on\n", program, folder);
    printf("      %s fit --branch %s --trainer.max_epochs N --optimizer.lr LR     a new run from here, with keys "
           "changed\n",
           program, folder);
    printf("      %s export %s     writes the weights for PyTorch\n", program, folder);
}

static int run_headless(struct run *run)
{
    watch_signals();
    struct run_io io = {.viewer_fd = -1, .lines = true};
    enum lt_err err = run_fit(run, &io);
    if (err != LT_OK) return command_fail(err);
    printf("%s\n", lt_message());
    suggest_next(run_folder(run));
    return 0;
}

/* The run's process: a session of its own without a terminal; what it prints goes to the run's console.log. */
static int run_behind_screen(struct run *run, int viewer)
{
    setsid();
    watch_signals();
    char *path = path_join(run_folder(run), "console.log");
    int console = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666),
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
    free(path);
    dup2(null, STDIN_FILENO);
    dup2(console >= 0 ? console : null, STDOUT_FILENO);
    dup2(console >= 0 ? console : null, STDERR_FILENO);
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct run_io io = {.viewer_fd = viewer};
    enum lt_err err = run_fit(run, &io);
    printf("%s\n", lt_message());
    return lt_exit_code(err);
}

/* Whether our child is gone, or goes in a moment. */
static bool is_gone(int pid, int *status)
{
    for (int tries = 0; tries < 100; tries++) {
        const pid_t got = waitpid(pid, status, WNOHANG);
        if (got == pid || (got < 0 && errno != EINTR)) return true;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return false;
}

/* The screen lost the run: why, as far as one can tell. `seen`: its log is shown now. */
static int explain_loss(const char *folder, int pid, bool seen)
{
    int status = 0;
    if (pid > 0 && !is_gone(pid, &status)) {
        fprintf(stderr, "lathe: the line to the run broke, but it goes on; come back with: lathe attach %s\n", folder);
        return 1;
    }
    if (pid > 0 && WIFSIGNALED(status))
        fprintf(stderr,
                "lathe: the run was ended by signal %d (%s); what it printed is in %s/console.log; go on from its last "
                "checkpoint with: "
                "lathe fit --resume %s\n",
                WTERMSIG(status), strsignal(WTERMSIG(status)), folder, folder);
    else
        fprintf(stderr,
                "lathe: the run of %s is gone without a word; what it printed is in %s/console.log; go on from its "
                "last checkpoint with: "
                "lathe fit --resume %s\n",
                folder, folder, folder);
    if (!seen) fprintf(stderr, "what it logged: lathe view %s\n", folder);
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : 1;
}

int show_run(const struct screen_options *options, const char *folder, int pid)
{
    struct screen_end end = {0};
    enum lt_err err = options->plain ? plain_run(options, &end) : screen_run(options, &end);
    int status = 0;
    if (err != LT_OK) {
        status = command_fail(err);
    } else if (end.how == SCREEN_RUN_ENDED) {
        fprintf(end.exit_code ? stderr : stdout, "%s%s\n", end.exit_code ? "lathe: " : "",
                end.sentence ? end.sentence : "the run ended");
        status = end.exit_code;
        if (status == 0) suggest_next(folder);
    } else if (end.how == SCREEN_FOREIGN) {
        status = command_fail(lt_fail(LT_EUNSUPPORTED, "that run belongs to another version of lathe; use the one it "
                                                       "was started with"));
    } else if (end.how == SCREEN_LOST) {
        status = explain_loss(folder, pid, end.open_log);
        if (end.open_log) show_log(folder, &end.look);
    } else {
        printf("detached; the training goes on. Come back with: lathe attach %s\n", folder);
    }
    free(end.sentence);
    return status;
}

/* The run's process alone; nobody waits for it. */
static int start_detached(struct run *run)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) return command_fail(lt_fail_errno("start", "the run's process"));
    if (pid == 0) return run_behind_screen(run, -1);
    printf("%s goes on in the background; its screen: lathe attach %s\n", run_folder(run), run_folder(run));
    return 0;
}

int start_run(struct run *run, const struct start_options *options)
{
    const char *why_not = NULL;
    if (options->detach) return start_detached(run);
    if (options->headless || (!options->plain && !term_possible(&why_not))) {
        if (why_not && isatty(STDOUT_FILENO))
            fprintf(stderr, "lathe: no screen: %s; printing plain lines instead\n", why_not);
        return run_headless(run);
    }
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return command_fail(lt_fail_errno("make", "a socket pair"));
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) return command_fail(lt_fail_errno("start", "the run's process"));
    if (pid == 0) {
        close(pair[0]);
        return run_behind_screen(run, pair[1]);
    }
    close(pair[1]);
    struct screen_options screen = {.fd = pair[0], .preferences = options->preferences, .plain = options->plain};
    return show_run(&screen, run_folder(run), pid);
}
