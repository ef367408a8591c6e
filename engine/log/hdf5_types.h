/* The shapes of what run.h5 holds: rows, types, attributes. Everything has a fixed size, because readers look on while
 * the file grows. Functions return false or a negative id when HDF5 refused. Thread: one at a time. */
#pragma once

#include "engine/log/log.h"

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

enum { HDF5_EVENT_TEXT = 200, HDF5_NAME = 96, HDF5_STATE = 16 };

struct scalar_row {
    int64_t step;
    double wall, value;
};

struct event_row {
    int64_t step;
    double wall;
    int32_t kind; /* an enumeration whose names stand in the file */
    int8_t level;
    char text[HDF5_EVENT_TEXT]; /* UTF-8, NUL-padded */
} __attribute__((packed));

/* Types of rows, equal in memory and file; struct log_epoch_row for epochs. The caller closes them. */
hid_t hdf5_scalar_type(void);
hid_t hdf5_event_type(void);
hid_t hdf5_epoch_type(void);
hid_t hdf5_text_type(size_t size);

/* Attributes of an object, made new. size 0: as long as the text. */
bool hdf5_put_text(hid_t object, const char *name, const char *text, size_t size);
bool hdf5_put_integer(hid_t object, const char *name, int64_t value);
bool hdf5_put_real(hid_t object, const char *name, double value);
bool hdf5_put_bool(hid_t object, const char *name, bool value);

/* The same for attributes that exist: overwrites in place, which is allowed while others read. */
bool hdf5_set_text(hid_t object, const char *name, const char *text);
bool hdf5_set_integer(hid_t object, const char *name, int64_t value);
bool hdf5_set_real(hid_t object, const char *name, double value);

/* Read back; false when absent or of another kind. Texts are cut to size - 1 bytes. */
bool hdf5_get_text(hid_t object, const char *name, char *text, size_t size);
bool hdf5_get_integer(hid_t object, const char *name, int64_t *value);
bool hdf5_get_real(hid_t object, const char *name, double *value);

/* Copies a text into `size` bytes, NUL-padded, cut between characters. */
void hdf5_copy_text(char *to, size_t size, const char *text);

/* Writes a one-dimensional dataset of names (fixed-size texts), or a single text. */
bool hdf5_write_names(hid_t file, const char *path, const char *const *name, size_t count);
bool hdf5_write_text(hid_t file, const char *path, const char *text);

/* lt_fail with HDF5's own reason: "cannot ACTION PATH: reason"; a full disk is LT_ENOSPC. */
enum lt_err hdf5_fail(const char *action, const char *path);

/* Whether the last failure of this thread was a file that ends too early. */
bool hdf5_says_truncated(void);

/* Silences HDF5's own printing for the calling thread; to be called in each thread before any other function of HDF5.
 */
void hdf5_quiet(void);
