#include "tui/commands/start.h"

#include "tui/commands/command.h"

#include <signal.h>
#include <stdio.h>

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

int start_run(struct run *run)
{
    watch_signals();
    struct run_io io = {.viewer_fd = -1, .lines = true};
    enum lt_err err = run_fit(run, &io);
    if (err != LT_OK) return command_fail(err);
    printf("%s\n", lt_message());
    return 0;
}
