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

static const char *const names[COMMANDS] = {"pause", "resume", "checkpoint", "validate", "stop", "save_and_stop"};

const char *control_name(enum control command)
{
    return names[command];
}

int control_find(const char *name)
{
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
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
