#include "engine/log/control.h"

#include "data/base/memory.h"

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
