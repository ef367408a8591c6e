/* What GPUs do, through NVML, the library of NVIDIA's driver: looked for at run time, so that nothing needs it. Without
 * it there are none. Thread: one at a time. */
#pragma once

#include <stdbool.h>

enum { GPUS_MAX = 8, GPU_NAME = 96 };

struct gpus;

/* NULL: no library, no driver or no GPU. */
struct gpus *gpus_open(void);
void gpus_close(struct gpus *self);

int gpus_count(const struct gpus *self); /* 0 for NULL, at most GPUS_MAX */
void gpus_name(const struct gpus *self, int index, char name[GPU_NAME]);

/* NaN where the device does not tell. */
struct gpu_sample {
    double use;                       /* % of the time that kernels ran */
    double memory_used, memory_total; /* bytes */
    double power_w, temperature_c;
};
void gpus_sample(const struct gpus *self, int index, struct gpu_sample *sample);
