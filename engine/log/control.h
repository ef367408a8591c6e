/* The control mailbox: the only way upstream. Viewers and signals put commands in; the trainer drains it at step
 * boundaries and answers with log_answer. Threads: any may put; the trainer takes; no lock is held while anything is
 * done. */
#pragma once

#include "data/base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum control {
    COMMAND_PAUSE,
    COMMAND_RESUME,
    COMMAND_CHECKPOINT,
    COMMAND_VALIDATE,
    COMMAND_STOP, /* without saving */
    COMMAND_SAVE_AND_STOP,
    COMMANDS
};

/* "pause", "resume", "checkpoint", "validate", "stop", "save_and_stop"; -1 when unknown. */
const char *control_name(enum control command);
int control_find(const char *name);

struct request {
    uint64_t id; /* what log_answer wants; 0 = nobody waits (a signal) */
    enum control command;
    char who[48]; /* "viewer 2 (uid 1000)", "SIGTERM" */
};

struct mailbox;
struct mailbox *mailbox_new(void);
void mailbox_free(struct mailbox *self);

/* False when full (64 waiting). */
bool mailbox_put(struct mailbox *self, const struct request *request);
bool mailbox_take(struct mailbox *self, struct request *request);

/* Sleeps until something is there or `seconds` passed (a paused trainer waits here). */
void mailbox_wait(struct mailbox *self, double seconds);
