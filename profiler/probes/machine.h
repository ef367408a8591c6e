/* What a machine and one of its processes use, from /proc. Counters since boot or since the process began; rates are
 * differences of two samples. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct machine_sample {
    double wall;          /* seconds since 1970 */
    double busy_s, all_s; /* of all cores together */
    int cores;
    int64_t memory_used, memory_total; /* bytes */
    int64_t disk_read, disk_written;   /* bytes, all whole disks together */
    double load;                       /* runnable threads, mean of a minute */
    bool has_process;
    double process_s;                      /* CPU seconds of the process */
    int64_t process_memory;                /* bytes resident */
    int64_t process_read, process_written; /* bytes from and to disks; -1: not to be seen */
    int threads;
};

/* `pid` 0: no process. What cannot be read is 0. */
void machine_sample(struct machine_sample *sample, int64_t pid);
