#include "profiler/probes/gpu.h"

#include "data/base/memory.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEMPERATURE_OF_GPU = 0 };

/* NVML's own types, as its ABI has them; every function returns 0 for success. */
struct utilization {
    unsigned gpu, memory; /* % */
};
struct memory_info {
    unsigned long long total, free, used;
};

struct gpus {
    void *library;
    int count;
    void *device[GPUS_MAX];
    int (*init)(void);
    int (*shutdown)(void);
    int (*get_count)(unsigned *count);
    int (*get_device)(unsigned index, void **device);
    int (*get_name)(void *device, char *name, unsigned length);
    int (*get_utilization)(void *device, struct utilization *utilization);
    int (*get_memory)(void *device, struct memory_info *memory);
    int (*get_power)(void *device, unsigned *milliwatts);
    int (*get_temperature)(void *device, int sensor, unsigned *celsius);
};

/* A pointer to a function out of one to data, as POSIX allows. */
static bool find(const struct gpus *self, const char *name, void *function)
{
    void *symbol = dlsym(self->library, name);
    *(void **)function = symbol;
    return symbol != NULL;
}

static bool find_all(struct gpus *self)
{
    return find(self, "nvmlInit_v2", &self->init) && find(self, "nvmlShutdown", &self->shutdown) &&
           find(self, "nvmlDeviceGetCount_v2", &self->get_count) &&
           find(self, "nvmlDeviceGetHandleByIndex_v2", &self->get_device) &&
           find(self, "nvmlDeviceGetName", &self->get_name) &&
           find(self, "nvmlDeviceGetUtilizationRates", &self->get_utilization) &&
           find(self, "nvmlDeviceGetMemoryInfo", &self->get_memory) &&
           find(self, "nvmlDeviceGetPowerUsage", &self->get_power) &&
           find(self, "nvmlDeviceGetTemperature", &self->get_temperature);
}

static void find_devices(struct gpus *self)
{
    unsigned count = 0;
    if (self->get_count(&count) != 0) return;
    for (unsigned i = 0; i < count && self->count < GPUS_MAX; i++)
        if (self->get_device(i, &self->device[self->count]) == 0) self->count++;
}

struct gpus *gpus_open(void)
{
    struct gpus *self = memory_new(1, sizeof *self);
    self->library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (self->library && find_all(self) && self->init() == 0) {
        find_devices(self);
        if (self->count > 0) return self;
        self->shutdown();
    }
    if (self->library) dlclose(self->library);
    free(self);
    return NULL;
}

void gpus_close(struct gpus *self)
{
    if (!self) return;
    self->shutdown();
    dlclose(self->library);
    free(self);
}

int gpus_count(const struct gpus *self)
{
    return self ? self->count : 0;
}

void gpus_name(const struct gpus *self, int index, char name[GPU_NAME])
{
    if (self->get_name(self->device[index], name, GPU_NAME) != 0) snprintf(name, GPU_NAME, "GPU");
    name[GPU_NAME - 1] = 0;
}

void gpus_sample(const struct gpus *self, int index, struct gpu_sample *sample)
{
    void *const handle = self->device[index];
    struct utilization utilization;
    struct memory_info memory;
    unsigned milliwatts, celsius;
    *sample = (struct gpu_sample){(double)NAN, (double)NAN, (double)NAN, (double)NAN, (double)NAN};
    if (self->get_utilization(handle, &utilization) == 0) sample->use = utilization.gpu;
    if (self->get_memory(handle, &memory) == 0) {
        sample->memory_used = (double)memory.used;
        sample->memory_total = (double)memory.total;
    }
    if (self->get_power(handle, &milliwatts) == 0) sample->power_w = milliwatts * 1e-3;
    if (self->get_temperature(handle, TEMPERATURE_OF_GPU, &celsius) == 0) sample->temperature_c = celsius;
}
