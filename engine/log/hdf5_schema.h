/* What stands in run.h5 (schema version 1): attributes of the run, /hparams, /metrics/NAME, a block for each family
 * (families.def), /epochs and /events. Functions that return bool return false
 * when HDF5 refused. Thread: one. */
#pragma once

#include "engine/log/hdf5_table.h"
#include "engine/log/hdf5_types.h"
#include "engine/log/log.h"

#include <stdbool.h>

/* A family of numbers that come together: step[N], wall[N], value[N, count] as float32, name[count]. */
struct block {
    char *path; /* "/tensors/grad_norm"; ".2" and so on when a resumed run has other names */
    const char *unit;
    char **name;
    size_t count;
    struct table *step, *wall, *value;
};

struct schema {
    struct table **table; /* all of them, owned */
    size_t tables, capacity;
    struct table *events, *epochs;
    struct block block[FAMILIES];
    int32_t event_value[EVENT_KINDS]; /* of the enumeration in the file, which may come from another version */
};

void schema_init(struct schema *self, const struct log_run *run);
void schema_release(struct schema *self);

/* The table of a metric, new when it is not known. */
struct table *schema_metric(struct schema *self, const struct metric_info *info);

/* Takes over what a file of an earlier part of this run has, and cuts off rows after `step`. */
bool schema_resume(struct schema *self, hid_t file, int64_t step);

/* Writes the attributes of the run into a new file. */
bool schema_write_run(hid_t file, const struct log_run *run);

/* Whether everything stands in the file; makes what does not. */
bool schema_is_complete(const struct schema *self);
bool schema_create(struct schema *self, hid_t file);

/* All tables at once; those that are not in the file yet only collect rows. */
bool schema_open(struct schema *self, hid_t file);
void schema_close(struct schema *self);
bool schema_write(struct schema *self);
void schema_forget(struct schema *self);
void schema_doubt(struct schema *self);

/* At most so many bytes does the next schema_write add to the file. */
uint64_t schema_waiting(const struct schema *self);

/* Rows that found no room so far. */
uint64_t schema_lost(const struct schema *self);

void block_append(struct block *self, int64_t step, double wall, const double *value);
void schema_event(struct schema *self, const struct event_row *row, enum event_kind kind);
