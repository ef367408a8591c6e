/* The runs below a folder: runs/NAME/version_N, newest first. Thread: one. */
#pragma once

#include "data/base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct found_run {
    char *folder;    /* "runs/cnn/version_3" */
    double modified; /* seconds since 1970: its newest sign of life */
    bool live;       /* somebody answers on its socket */
};

struct found_runs {
    struct found_run *run;
    size_t count, capacity;
};

/* Fills in all runs; a missing folder gives none. */
enum lt_err found_runs_list(struct found_runs *self, const char *root) LT_MUST_CHECK;
void found_runs_release(struct found_runs *self);

/* The folder of the run a person means (caller frees): a folder, or one below the root ("cnn/version_3"; "cnn": its
 * newest live version, else its newest); name NULL: the newest live run of all. */
enum lt_err found_run_folder(char **folder, const char *name, const char *root) LT_MUST_CHECK;

/* Connects to a live run's socket: a descriptor, or -1. */
int found_run_connect(const char *folder);
