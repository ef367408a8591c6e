#include "tui/plain.h"

#include "data/base/clock.h"
#include "tui/feed/line.h"
#include "tui/sentences.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EVERY_S = 60, TICK_MS = 500, SILENCE_MS = 150, WORD_MAX = CONTROL_ARGUMENT_MAX + 40 };

struct plain {
    struct feed feed;
    struct line line;
    struct text out, typed; /* frames to the run; the start of a typed line */
    struct sentences sentences;
    bool read_only, leave, input_ended;
    int64_t interrupted_ns;
};

static int signal_pipe[2] = {-1, -1};

static void say(const char *sentence)
{
    printf("%s\n", sentence);
}

/* ---- commands ---- */

static void help(void)
{
    say("Type a word and Enter:");
    for (int i = 0; i < COMMANDS; i++) {
        const char *argument = control_argument((enum control)i);
        printf("%s%s%s: %s.\n", control_name((enum control)i), argument[0] ? " " : "", argument,
               control_help((enum control)i));
    }
    say("status: where the run stands.\ndetach: leaves, the training goes on.");
}

static void ask(struct plain *self, const struct request *request)
{
    if (self->read_only)
        say("This screen only looks.");
    else
        feed_ask(&self->feed, &self->out, request->command, request->argument[0] ? request->argument : NULL);
}

static void say_status(const struct feed *feed)
{
    struct text status = {0};
    sentences_status(feed, &status);
    fputs(text_get(&status), stdout);
    text_release(&status);
}

static bool is_command(const char *line)
{
    char word[32];
    snprintf(word, sizeof word, "%.*s", (int)strcspn(line, " "), line);
    return control_find(word) >= 0;
}

/* A word, and what is behind it. */
static void obey(struct plain *self, char *line)
{
    if (strcmp(line, "save and stop") == 0) line[4] = line[8] = '_'; /* as it is said */
    struct request request;
    if (is_command(line) && control_read_line(&request, line) == LT_OK)
        ask(self, &request);
    else if (is_command(line))
        printf("Not asked: %s.\n", lt_message());
    else if (strcmp(line, "status") == 0)
        say_status(&self->feed);
    else if (strcmp(line, "detach") == 0 || strcmp(line, "quit") == 0)
        self->leave = true;
    else if (line[0])
        help();
}

static void obey_lines(struct plain *self)
{
    char *end;
    while (self->typed.length > 0 && (end = memchr(self->typed.bytes, '\n', self->typed.length))) {
        char word[WORD_MAX];
        size_t length = (size_t)(end - self->typed.bytes);
        snprintf(word, sizeof word, "%.*s", (int)(length < WORD_MAX ? length : WORD_MAX - 1), self->typed.bytes);
        word[strcspn(word, "\r")] = 0;
        obey(self, word);
        memmove(self->typed.bytes, end + 1, self->typed.length - length - 1);
        self->typed.length -= length + 1;
    }
    if (self->typed.length > WORD_MAX) text_clear(&self->typed); /* no word */
}

/* The end of a terminal's input is Ctrl-D, or the line went dead; that of a pipe only means that nobody types. */
static void read_input(struct plain *self)
{
    char block[1024];
    ssize_t got = read(STDIN_FILENO, block, sizeof block);
    if (got < 0 && errno == EINTR) return;
    if (got > 0) {
        text_add_bytes(&self->typed, block, (size_t)got);
        obey_lines(self);
        return;
    }
    self->input_ended = true;
    self->leave = self->leave || isatty(STDIN_FILENO);
}

/* ---- signals ---- */

static void on_signal(int number)
{
    int saved = errno;
    ssize_t wrote = write(signal_pipe[1], number == SIGINT ? "i" : "h", 1);
    (void)wrote;
    errno = saved;
}

static enum lt_err watch_signals(void)
{
    if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0) return lt_fail_errno("make", "a pipe");
    struct sigaction act = {.sa_handler = on_signal};
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGHUP, &act, NULL);
    return LT_OK;
}

static void read_signals(struct plain *self)
{
    char byte;
    while (read(signal_pipe[0], &byte, 1) == 1) {
        int64_t now = clock_ns();
        bool again = self->interrupted_ns && now - self->interrupted_ns < 2 * (int64_t)1000000000;
        self->interrupted_ns = now;
        if (byte == 'h')
            self->leave = true;
        else if (again)
            ask(self, &(struct request){.command = COMMAND_SAVE_AND_STOP});
        else
            say("Ctrl-C once more within two seconds saves and stops. The word detach leaves; the training goes on "
                "then.");
    }
}

/* ---- the loop ---- */

static void tell(struct plain *self)
{
    struct text news = {0};
    sentences_tell(&self->sentences, &self->feed, (double)clock_ns() / 1e9, &news);
    fputs(text_get(&news), stdout);
    text_release(&news);
}

/* A stored run that will not grow: when that is told, all is. */
static bool is_over(const struct feed *feed)
{
    return feed->hello.stored && feed->has_status && run_state_is_over(feed->status.state);
}

/* A log's beginning is told when all of it was read: then its reader falls silent for a moment. */
static bool is_being_read(const struct plain *self)
{
    return self->feed.hello.stored && !self->sentences.said_status;
}

/* Within a tick everything that arrived is told together. */
static void loop(struct plain *self)
{
    while (!self->leave && !self->line.lost && !self->feed.ended) {
        struct pollfd fds[3] = {{.fd = signal_pipe[0], .events = POLLIN},
                                {.fd = self->input_ended ? -1 : STDIN_FILENO, .events = POLLIN},
                                {.fd = self->line.fd, .events = (short)(POLLIN | (self->out.length ? POLLOUT : 0))}};
        poll(fds, 3, is_being_read(self) ? SILENCE_MS : TICK_MS);
        if (fds[2].revents) line_read(&self->line);
        if (fds[0].revents) read_signals(self);
        if (fds[1].revents) read_input(self);
        line_write(&self->line, &self->out);
        if (fds[2].revents && is_being_read(self)) continue;
        tell(self);
        self->leave = self->leave || is_over(&self->feed);
    }
}

static void fill_end(struct plain *self, struct screen_end *end)
{
    end->how = self->feed.ended     ? SCREEN_RUN_ENDED
               : self->feed.foreign ? SCREEN_FOREIGN
               : self->leave        ? SCREEN_DETACHED
                                    : SCREEN_LOST;
    end->exit_code = self->feed.exit_code;
    end->sentence = self->feed.sentence;
    self->feed.sentence = NULL;
}

enum lt_err plain_run(const struct screen_options *options, struct screen_end *end)
{
    struct plain self = {.line = {.fd = options->fd}, .read_only = options->read_only};
    self.line.feed = &self.feed;
    self.sentences.every_s = EVERY_S;
    fcntl(options->fd, F_SETFL, fcntl(options->fd, F_GETFL) | O_NONBLOCK);
    setvbuf(stdout, NULL, _IOLBF, 0);
    enum lt_err err = watch_signals();
    if (err == LT_OK) {
        if (isatty(STDIN_FILENO)) say("Type help and Enter for what can be asked.");
        loop(&self);
        fill_end(&self, end);
    }
    close(self.line.fd);
    text_release(&self.line.in), text_release(&self.out), text_release(&self.typed);
    feed_release(&self.feed);
    return err;
}
