/* The box for a branch of a checkpoint: keys of the configuration to change. Enter starts `lathe fit --branch …
 * --detach` and the box stays until that has started, or said why not. */
#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/base/setting.h"
#include "tui/app.h"
#include "tui/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- what is typed ---- */

/* "optimizer.lr=3e-4 trainer.max_epochs=40" as flags, --KEY VALUE; a word without "=" belongs to the value before it.
 */
struct flags {
    char **word;
    size_t count;
};

static void add(struct flags *self, char *word)
{
    self->word = memory_resize(self->word, self->count + 2, sizeof *self->word);
    self->word[self->count++] = word;
    self->word[self->count] = NULL;
}

static bool read_flags(struct flags *self, char *line)
{
    char *rest = NULL, *value = NULL;
    for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *equals = strchr(word, '=');
        if (equals) {
            struct text flag = {0};
            text_add(&flag, "--%.*s", (int)(equals - word), word);
            add(self, text_detach(&flag));
            add(self, memory_text(equals + 1));
        } else {
            struct text longer = {0};
            if (!value) return false;
            text_add(&longer, "%s %s", value, word);
            free(value);
            self->word[self->count - 1] = text_detach(&longer);
        }
        value = self->word[self->count - 1];
    }
    return true;
}

static void release_flags(struct flags *self)
{
    for (size_t i = 0; i < self->count; i++) free(self->word[i]);
    free(self->word);
}

/* ---- starting ---- */

/* In the child: everything it says goes to the screen, nothing to the terminal. */
static void run_program(char **argv, int output)
{
    const int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    setsid();
    execv("/proc/self/exe", argv);
    _exit(127);
}

static void start(struct prompt *self, char **argv)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        snprintf(self->wrong, sizeof self->wrong, "not started: %s", strerror(errno));
        return;
    }
    self->starting = fork();
    if (self->starting == 0) run_program(argv, ends[1]);
    close(ends[1]);
    self->output = ends[0];
    fcntl(self->output, F_SETFL, O_NONBLOCK);
    text_clear(&self->said);
    snprintf(self->wrong, sizeof self->wrong, self->starting > 0 ? "starting the branch …" : "not started: no process");
    if (self->starting > 0) return;
    self->starting = 0;
    close(self->output);
}

static void enter(struct app *app)
{
    struct prompt *self = &app->prompt;
    struct flags flags = {0};
    char line[sizeof self->text];
    snprintf(line, sizeof line, "%s", self->text);
    if (self->starting) return;
    static const char *const first[] = {"lathe", "fit", "--detach", "--branch"};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) add(&flags, memory_text(first[i]));
    add(&flags, memory_text(self->checkpoint));
    if (read_flags(&flags, line))
        start(self, flags.word);
    else
        snprintf(self->wrong, sizeof self->wrong, "settings are KEY=VALUE, like optimizer.lr=3e-4");
    release_flags(&flags);
}

/* Has it started? Its one line says so, or why not. */
bool prompt_tick(struct app *app)
{
    struct prompt *self = &app->prompt;
    char bytes[512];
    int status = 0;
    ssize_t got = -1;
    if (!self->starting) return false;
    while ((got = read(self->output, bytes, sizeof bytes)) > 0) text_add_bytes(&self->said, bytes, (size_t)got);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    close(self->output);
    while (waitpid(self->starting, &status, 0) < 0 && errno == EINTR) continue;
    self->starting = 0;
    const bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    const char *said = text_get(&self->said);
    if (strncmp(said, "lathe: ", 7) == 0) said += 7;
    const int length = (int)strcspn(said, "\n");
    if (good) {
        snprintf(app->note, sizeof app->note, "branched: %.*s", length < 200 ? length : 200, said);
        if (app->overlay == OVERLAY_PROMPT) app->overlay = OVERLAY_NONE;
    } else {
        snprintf(self->wrong, sizeof self->wrong, "%.*s", length < 200 ? length : 200, said);
        snprintf(app->note, sizeof app->note, "not branched: %.*s", length < 200 ? length : 200, said);
    }
    return true;
}

/* ---- what can be changed ---- */

static void offer_below(struct prompt *self, const char *path, const struct setting *at)
{
    if (at->kind == SETTING_MAPPING) {
        for (size_t i = 0; i < at->count; i++) {
            struct text key = {0};
            text_add(&key, "%s%s%s", path, *path ? "." : "", at->child[i]->key);
            offer_below(self, text_get(&key), at->child[i]);
            text_release(&key);
        }
    } else if (at->kind == SETTING_SCALAR) {
        struct text word = {0};
        text_add(&word, "%s=", path);
        prompt_offer(self, text_get(&word), at->scalar, "");
        text_release(&word);
    }
}

void prompt_branch(struct app *app, const char *checkpoint)
{
    char title[128];
    struct setting *root;
    if (app->prompt.starting) {
        app->overlay = OVERLAY_PROMPT;
        return;
    }
    snprintf(title, sizeof title, "a new run from %.60s, with KEY=VALUE changed", path_name(checkpoint));
    struct prompt *self = prompt_open(app, title, enter);
    self->checkpoint = memory_text(checkpoint);
    char *config = path_join(app->feed.hello.folder, "config.yaml");
    if (setting_read(&root, config) == LT_OK) {
        offer_below(self, "", root);
        setting_free(root);
    } else {
        snprintf(self->wrong, sizeof self->wrong, "%s", lt_message());
    }
    free(config);
}
