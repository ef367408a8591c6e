/* One growing dataset of run.h5: rows wait in RAM until they are written in batches, and the newest written ones stay
 * there too, because after a failed write nothing that HDF5 said before can be trusted. Rows have absolute numbers, so
 * writing them again is harmless. Functions that return bool return false when HDF5 refused. Thread: one. */
#pragma once

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table {
    char *path;      /* "/metrics/train/loss" */
    hid_t type;      /* of an element, in memory and in the file; owned */
    hsize_t columns; /* 0: one element per row, else a block of that many */
    hsize_t chunk;   /* rows per chunk */
    char *unit, *description;
    const char *goal; /* NULL: no such attribute */

    bool exists;   /* in the file */
    hid_t dataset; /* -1: closed */
    size_t row_bytes;
    unsigned char *rows; /* [count][row_bytes], the rows from number `first` on */
    size_t count, capacity;
    uint64_t first, written; /* numbers: of rows[0], of the first one not yet in the file */
    uint64_t lost;           /* rows that found no room in RAM while nothing could be written */
};

/* Takes `type`. */
void table_init(struct table *self, const char *path, hid_t type, hsize_t columns, hsize_t chunk);
void table_release(struct table *self);

/* Keeps a row for the next table_write. At most TABLE_WAITING_BYTES wait; more are counted as lost. */
enum { TABLE_WAITING_BYTES = 4 << 20 };
void table_append(struct table *self, const void *row);

/* Bytes that wait. */
size_t table_waiting(const struct table *self);

/* Makes the (empty) dataset and the groups above it in a file that is not in SWMR mode. */
bool table_create(struct table *self, hid_t file);

/* Opens the dataset where it exists; on the first time takes over how many rows it has. */
bool table_open(struct table *self, hid_t file);
void table_close(struct table *self);

/* Writes what waits. */
bool table_write(struct table *self);

/* After a successful flush: forgets all but the last two chunks of what is written. After a failure: everything that is
 * not forgotten counts as unwritten. */
void table_forget(struct table *self);
void table_doubt(struct table *self);

/* Shortens the dataset. */
bool table_trim(struct table *self, uint64_t rows);

/* Reads one 8-byte integer field of every row ("step"; NULL: the element itself is one): returns how many leading rows
 * have at most `limit` there, or -1. */
int64_t table_rows_up_to(struct table *self, const char *field, int64_t limit);
