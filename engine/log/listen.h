/* A listening Unix socket that only its owner may enter; what a dead run left at the path is replaced. Thread: one. */
#pragma once

#include "data/base/err.h"

#include <sys/types.h>

struct listener {
    int fd; /* -1: not listening */
    char *path;
    ino_t inode; /* of our socket: another run may have taken the path since */
};

/* Fails, naming the path, when another run answers there. */
enum lt_err listener_open(struct listener *self, const char *path) LT_MUST_CHECK;

/* A connection of the same user or of root, or -1. Does not wait. */
int listener_accept(struct listener *self);

/* Removes the socket when it is still ours. */
void listener_close(struct listener *self);
