#include "engine/log/control.h"

#include "data/base/memory.h"
#include "data/base/options.h"
#include "data/base/text.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAITING_MAX = 64 };

struct mailbox {
    pthread_mutex_t lock; /* held for a copy only */
    pthread_cond_t filled;
    struct request waiting[WAITING_MAX];
    int first, count;
};

static const struct {
    const char *name, *argument, *help;
} controls[COMMANDS] = {
#define CONTROL(id, name, argument, help) {name, argument, help},
#include "engine/log/controls.def"
#undef CONTROL
};

const char *control_name(enum control command)
{
    return controls[command].name;
}

const char *control_argument(enum control command)
{
    return controls[command].argument;
}

const char *control_help(enum control command)
{
    return controls[command].help;
}

int control_find(const char *name)
{
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(controls[i].name, name) == 0) return i;
    return -1;
}

/* Terminals obey the control characters of ASCII, and some those of Latin-1 in UTF-8 (U+0080 … U+009F). */
bool control_argument_is_sane(const char *argument)
{
    const unsigned char *c = (const unsigned char *)argument;
    size_t length = strlen(argument);
    for (size_t i = 0; i < length; i++)
        if (c[i] < ' ' || c[i] == 0x7f || (c[i] == 0xc2 && c[i + 1] < 0xa0)) return false;
    return length > 0 && length < CONTROL_ARGUMENT_MAX;
}

static enum lt_err unknown(const char *word)
{
    const char *names[COMMANDS];
    for (int i = 0; i < COMMANDS; i++) names[i] = controls[i].name;
    const char *nearest = options_nearest(word, names, COMMANDS);
    return lt_fail(LT_EUSAGE, "'%s' is nothing a run can be told%s%s%s", word, nearest ? " (did you mean '" : "",
                   nearest ? nearest : "", nearest ? "'?)" : "");
}

enum lt_err control_read(struct request *request, char *const *word, size_t words)
{
    const int command = words ? control_find(word[0]) : -1;
    if (command < 0) return unknown(words ? word[0] : "");
    const char *wanted = controls[command].argument;
    const bool pair = command == COMMAND_SET && words == 3;
    const size_t most = *wanted ? 2 : 1;
    *request = (struct request){.command = (enum control)command};
    if (words > most && !pair)
        return lt_fail(LT_EUSAGE, "'%s' is too much: %s%s%s is all it takes", word[most], word[0], *wanted ? " " : "",
                       wanted);
    if (words < most) return lt_fail(LT_EUSAGE, "%s needs %s: %s", word[0], wanted, controls[command].help);
    if (words == 1) return LT_OK;
    const char *between = pair ? *word[2] == '*' ? "" : "=" : "", *value = pair ? word[2] : "";
    struct text argument = {0};
    text_add(&argument, "%s%s%s", word[1], between, value);
    const bool sane = control_argument_is_sane(text_get(&argument));
    if (sane) memcpy(request->argument, argument.bytes, argument.length + 1);
    text_release(&argument);
    return sane ? LT_OK : lt_fail(LT_EUSAGE, "%s is one line of at most %d bytes", wanted, CONTROL_ARGUMENT_MAX - 1);
}

enum lt_err control_read_line(struct request *request, const char *line)
{
    enum { WORDS_MAX = 4 }; /* one more than any command takes */
    char *copy = memory_text(line), *word[WORDS_MAX], *rest = NULL;
    size_t words = 0;
    for (char *w = strtok_r(copy, " ", &rest); w && words < WORDS_MAX; w = strtok_r(NULL, " ", &rest))
        word[words++] = w;
    enum lt_err err = control_read(request, word, words);
    free(copy);
    return err;
}

struct mailbox *mailbox_new(void)
{
    struct mailbox *self = memory_new(1, sizeof *self);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->filled, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&self->lock, NULL);
    return self;
}

void mailbox_free(struct mailbox *self)
{
    if (!self) return;
    pthread_cond_destroy(&self->filled);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

bool mailbox_put(struct mailbox *self, const struct request *request)
{
    pthread_mutex_lock(&self->lock);
    bool room = self->count < WAITING_MAX;
    if (room) self->waiting[(self->first + self->count++) % WAITING_MAX] = *request;
    pthread_cond_signal(&self->filled);
    pthread_mutex_unlock(&self->lock);
    return room;
}

bool mailbox_take(struct mailbox *self, struct request *request)
{
    pthread_mutex_lock(&self->lock);
    bool some = self->count > 0;
    if (some) {
        *request = self->waiting[self->first];
        self->first = (self->first + 1) % WAITING_MAX;
        self->count--;
    }
    pthread_mutex_unlock(&self->lock);
    return some;
}

void mailbox_wait(struct mailbox *self, double seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + (int64_t)(seconds * 1e9);
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&self->lock);
    while (self->count == 0)
        if (pthread_cond_timedwait(&self->filled, &self->lock, &until) != 0) break;
    pthread_mutex_unlock(&self->lock);
}
