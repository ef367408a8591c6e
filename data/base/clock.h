/* Time. Monotonic nanoseconds for durations, wall seconds for records. Thread: any. */
#pragma once

#include <stdint.h>

/* Monotonic nanoseconds since an arbitrary start. */
int64_t clock_ns(void);

/* Seconds since the Unix epoch. */
double clock_wall(void);

/* CPU nanoseconds used by the calling thread. */
int64_t clock_thread_cpu_ns(void);
