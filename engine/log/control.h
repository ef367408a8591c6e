/* The control mailbox: the only way upstream. Viewers and signals put commands in; the trainer drains it at step
 * boundaries and answers with log_answer. Threads: any may put; the trainer takes; no lock is held while anything is
 * done. */
#pragma once

#include "data/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum control {
#define CONTROL(id, name, argument, help) id,
#include "engine/log/controls.def"
#undef CONTROL
    COMMANDS
};

/* A row of controls.def: its name ("pause"), what its argument is called ("KEY=VALUE"; "" = it takes none), its help.
 * control_find gives -1 when the name is unknown. */
const char *control_name(enum control command);
const char *control_argument(enum control command);
const char *control_help(enum control command);
int control_find(const char *name);

enum { CONTROL_ARGUMENT_MAX = 256, CONTROL_WHO_MAX = 96 };

/* Whether a text can be an argument at all: 1 to 255 bytes of one printable line. */
bool control_argument_is_sane(const char *argument);

struct request {
    uint64_t id; /* what log_answer wants; 0 = nobody waits (a signal) */
    enum control command;
    char who[CONTROL_WHO_MAX];           /* "viewer 2 (ann, pid 4711, pts/3)", "SIGTERM" */
    char argument[CONTROL_ARGUMENT_MAX]; /* sane; "" = none */
};

/* A command in a person's words: "pause", "set lr=3e-4" or "set lr 3e-4", "protect FILE". Fills command and argument.
 * LT_EUSAGE with what is missing, too much or not known. */
enum lt_err control_read(struct request *request, char *const *word, size_t words) LT_MUST_CHECK;
enum lt_err control_read_line(struct request *request, const char *line) LT_MUST_CHECK;

struct mailbox;
struct mailbox *mailbox_new(void);
void mailbox_free(struct mailbox *self);

/* False when full (64 waiting). */
bool mailbox_put(struct mailbox *self, const struct request *request);
bool mailbox_take(struct mailbox *self, struct request *request);

/* Sleeps until something is there or `seconds` passed (a paused trainer waits here). */
void mailbox_wait(struct mailbox *self, double seconds);
