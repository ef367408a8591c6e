/* One connected screen: frames wait in a bounded buffer until it reads them; points and events are fetched from the
 * history only as it keeps up, so a screen that sleeps costs nothing more. What it sends is taken apart strictly:
 * anything but a well-formed command ends this connection. Thread: one (the socket sink's). */
#pragma once

#include "engine/log/control.h"
#include "engine/log/history.h"
#include "engine/log/sink.h"

#include <stdbool.h>
#include <stdint.h>

struct viewer;

/* What all viewers are told of the status: a whole STATUS frame. */
struct status_frame {
    struct text frame;
    uint64_t number; /* 1, 2, …: another one for another frame; 0: none yet */
};

/* Takes fd and makes it non-blocking; `hello` is a whole HELLO frame. number: 1, 2, … */
struct viewer *viewer_new(int fd, uint32_t number, const struct text *hello);
void viewer_free(struct viewer *self);

int viewer_fd(const struct viewer *self);

/* Reads what is there and puts commands into the mailbox. False when the viewer is gone or broke the protocol. */
bool viewer_read(struct viewer *self, struct mailbox *mailbox);

/* Queues what the viewer has not had yet, as far as its buffer allows. */
void viewer_feed(struct viewer *self, const struct history *history, const struct status_frame *status);

/* Queues the answer to a command when this viewer asked. */
void viewer_answer(struct viewer *self, uint64_t request, bool done, int64_t step, const char *text);

/* Sends the rest, the last status and BYE without waiting; true once everything went out (or the viewer is gone), else
 * call it again. */
bool viewer_finish(struct viewer *self, const struct history *history, const struct status_frame *status,
                   const struct log_end *end);

/* Sends without waiting. False when the viewer is gone or let too much pile up. */
bool viewer_write(struct viewer *self);

/* Whether bytes wait to be sent. */
bool viewer_is_behind(const struct viewer *self);

/* Seconds since it last took something, 0 when nothing waits. */
double viewer_stuck_s(const struct viewer *self);
