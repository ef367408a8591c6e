/* run.h5 as a file: how it is made, opened, changed in structure and closed so that a crash at any moment leaves a file
 * that can be read. While a run lives the file is open for single-writer, multiple-reader access with a frozen
 * structure; new datasets go into a copy that takes the file's place. Thread: one at a time. */
#pragma once

#include "data/base/err.h"

#include <hdf5.h>
#include <stdbool.h>

struct run_file {
    char *path, *lock_path;
    hid_t id; /* -1: closed */
    int lock; /* descriptor that keeps other writers out; -1 */
};

/* Adds groups, datasets and attributes to a file that is open the ordinary way; false when HDF5 refused. */
typedef bool (*run_file_fill)(void *context, hid_t file);

/* Takes the writer's lock of a run folder; refused while another process writes there. */
enum lt_err run_file_lock(struct run_file *self, const char *folder) LT_MUST_CHECK;

/* Makes the file anew, or (`copy`) replaces it by a copy of itself with more in it. The file must be closed. Either
 * all of it happens or the old file stays. */
enum lt_err run_file_change(struct run_file *self, bool copy, run_file_fill fill, void *context) LT_MUST_CHECK;

/* Opens it for writing; one that a crash left open is put right first. */
enum lt_err run_file_open(struct run_file *self) LT_MUST_CHECK;

/* From here on others may read along; nothing but rows and attribute values may change. All attributes are closed. */
enum lt_err run_file_share(struct run_file *self) LT_MUST_CHECK;

/* Closes the file and keeps the lock. False when HDF5 could not write everything. */
bool run_file_close(struct run_file *self);

/* Closes the file, gives the lock back. */
void run_file_release(struct run_file *self);

/* Makes sure that the file can grow by so many bytes: HDF5 does not survive a write that finds the disk full. False
 * when it cannot; true where the file system has no such promise. */
bool run_file_reserve(const struct run_file *self, long long bytes);

/* Bytes that may still be written where the file lies; -1 when unknown. */
long long run_file_room(const struct run_file *self);
