/* Reads a run's run.h5, also while it is being written and after a crash: what `lathe runs` lists and what charts of a
 * stored run show. A reader is a snapshot of the moment it was opened. Thread: one at a time. */
#pragma once

#include "data/base/err.h"
#include "engine/log/log.h"
#include "engine/log/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct run_facts {
    char name[128], model[64], device[96], precision[16], host[64];
    char state[16];            /* as run_state_name; a killed run still says "running" */
    double created, heartbeat; /* seconds since 1970; the heartbeat of a living run is at most a few seconds old */
    int64_t last_step, resumes;
};

struct run_reader;

/* Opens run.h5: `path` is a run's folder or the file itself. LT_ENOTFOUND when there is none, LT_EFORMAT when it is no
 * log of this program. */
enum lt_err run_reader_open(struct run_reader **self, const char *path) LT_MUST_CHECK;
void run_reader_close(struct run_reader *self);

const struct run_facts *run_reader_facts(const struct run_reader *self);

/* Lends the names of the metrics, sorted. */
size_t run_reader_metrics(const struct run_reader *self);
const char *run_reader_metric(const struct run_reader *self, size_t i);

/* Its unit, description and goal; texts are lent until the next call. False when there is no such metric. */
bool run_reader_info(struct run_reader *self, const char *metric, struct metric_info *info);

/* All points of a metric, in the order of logging (caller frees). */
enum lt_err run_reader_points(struct run_reader *self, const char *metric, struct wire_point **point,
                              size_t *count) LT_MUST_CHECK;

/* The best finite value by the metric's goal (without one, the newest) and its step. False when there is none. */
bool run_reader_best(struct run_reader *self, const char *metric, double *value, int64_t *step);

/* Reads rows first … first + max - 1 of a metric, as far as there are so many; *count says how many. A row that was
 * reserved but never written (a crash, a file cut short) is all zero. */
enum lt_err run_reader_rows(struct run_reader *self, const char *metric, size_t first, size_t max,
                            struct wire_point *point, size_t *count) LT_MUST_CHECK;

/* All events from number `first` on (caller frees the array and each text). */
struct history_event;
enum lt_err run_reader_events(struct run_reader *self, size_t first, struct history_event **event,
                              size_t *count) LT_MUST_CHECK;

/* All epochs (caller frees). */
enum lt_err run_reader_epochs(struct run_reader *self, struct log_epoch_row **epoch, size_t *count) LT_MUST_CHECK;

/* The configuration as JSON text (caller frees); "{}" when there is none. */
char *run_reader_config(struct run_reader *self);

/* Numbers that come together: families.def says which there are. A run that
 * was resumed with other names has a second variant, and so on. */
enum { FAMILY_VARIANTS_MAX = 99 };
struct run_family {
    char *path, **name;
    size_t names, rows;
};

/* LT_ENOTFOUND when the file has no such one; variants count from 1. */
enum lt_err run_reader_family(struct run_reader *self, const char *path, int variant,
                              struct run_family *family) LT_MUST_CHECK;
void run_family_release(struct run_family *self);

/* Reads `count` rows: step[count], wall[count], value[count, names]. */
struct run_family_rows {
    int64_t *step;
    double *wall;
    float *value;
};
enum lt_err run_reader_family_rows(struct run_reader *self, const struct run_family *family, size_t first, size_t count,
                                   struct run_family_rows *rows) LT_MUST_CHECK;
