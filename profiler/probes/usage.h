/* What the machine and this process use, in numbers of a moment, for the log: rates since the sample before. The
 * columns are always the same for one machine: those of USAGE_LIST, then USAGE_GPU_LIST of each GPU ("gpu0_use").
 * Thread: one at a time. */
#pragma once

#include "profiler/probes/gpu.h"

#include <stddef.h>

#define USAGE_LIST(X)                                                                                                  \
    X(USAGE_CPU, "cpu")         /* % of a core, of everybody */                                                        \
    X(USAGE_CPU_RUN, "cpu_run") /* the same, of this process */                                                        \
    X(USAGE_MEMORY, "memory")   /* GB */                                                                               \
    X(USAGE_MEMORY_RUN, "memory_run")                                                                                  \
    X(USAGE_READ, "disk_read") /* MB/s, all disks */                                                                   \
    X(USAGE_WRITTEN, "disk_written")                                                                                   \
    X(USAGE_LOAD, "load") /* runnable threads, mean of a minute */                                                     \
    X(USAGE_THREADS, "threads")

#define USAGE_GPU_LIST(X)                                                                                              \
    X(USAGE_GPU, "use")           /* % of the time that kernels ran */                                                 \
    X(USAGE_GPU_MEMORY, "memory") /* GB */                                                                             \
    X(USAGE_GPU_POWER, "power")   /* W */                                                                              \
    X(USAGE_GPU_TEMPERATURE, "temperature")

enum {
#define X(id, name) id,
    USAGE_LIST(X)
#undef X
        USAGE_VALUES
};
enum {
#define X(id, name) id,
    USAGE_GPU_LIST(X)
#undef X
        USAGE_GPU_VALUES
};

struct usage;

/* Takes the first sample. */
struct usage *usage_new(void);
void usage_free(struct usage *self);

/* Lends the names of the columns. */
const char *const *usage_names(const struct usage *self, size_t *count);

/* Fills value[columns]; NaN where nothing is known. */
void usage_take(struct usage *self, double *value);

/* Facts that do not change. */
struct usage_facts {
    int cores, gpus;
    double memory; /* bytes */
    struct {
        char name[GPU_NAME];
        double memory;
    } gpu[GPUS_MAX];
};
void usage_facts(const struct usage *self, struct usage_facts *facts);
