#include "profiler/probes/usage.h"

#include "data/base/memory.h"
#include "profiler/probes/gpu.h"
#include "profiler/probes/machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { COLUMNS_MAX = USAGE_VALUES + GPUS_MAX * USAGE_GPU_VALUES, COLUMN_NAME = 32 };

struct usage {
    struct gpus *gpus;
    struct machine_sample before;
    size_t columns;
    const char *name[COLUMNS_MAX];
    char gpu_name[GPUS_MAX][USAGE_GPU_VALUES][COLUMN_NAME];
};

static void name_columns(struct usage *self)
{
    static const char *const own[] = {
#define X(id, name) [id] = name,
        USAGE_LIST(X)
#undef X
    };
    static const char *const of_gpu[] = {
#define X(id, name) [id] = name,
        USAGE_GPU_LIST(X)
#undef X
    };
    for (int i = 0; i < USAGE_VALUES; i++) self->name[self->columns++] = own[i];
    for (int g = 0; g < gpus_count(self->gpus); g++)
        for (int i = 0; i < USAGE_GPU_VALUES; i++) {
            snprintf(self->gpu_name[g][i], COLUMN_NAME, "gpu%d_%s", g, of_gpu[i]);
            self->name[self->columns++] = self->gpu_name[g][i];
        }
}

struct usage *usage_new(void)
{
    struct usage *self = memory_new(1, sizeof *self);
    self->gpus = gpus_open();
    name_columns(self);
    machine_sample(&self->before, getpid());
    return self;
}

void usage_free(struct usage *self)
{
    if (!self) return;
    gpus_close(self->gpus);
    free(self);
}

const char *const *usage_names(const struct usage *self, size_t *count)
{
    *count = self->columns;
    return self->name;
}

static double rate(double more, double seconds)
{
    return seconds > 0 ? more / seconds : (double)NAN;
}

static void take_machine(const struct machine_sample *a, const struct machine_sample *b, double *value)
{
    const double wall = b->wall - a->wall, mb = 1e-6, gb = 1e-9;
    value[USAGE_CPU] = rate(100 * (b->busy_s - a->busy_s) * b->cores, b->all_s - a->all_s);
    value[USAGE_CPU_RUN] = rate(100 * (b->process_s - a->process_s), wall);
    value[USAGE_MEMORY] = (double)b->memory_used * gb;
    value[USAGE_MEMORY_RUN] = (double)b->process_memory * gb;
    value[USAGE_READ] = rate((double)(b->disk_read - a->disk_read) * mb, wall);
    value[USAGE_WRITTEN] = rate((double)(b->disk_written - a->disk_written) * mb, wall);
    value[USAGE_LOAD] = b->load;
    value[USAGE_THREADS] = b->threads;
}

void usage_take(struct usage *self, double *value)
{
    struct machine_sample now;
    machine_sample(&now, getpid());
    take_machine(&self->before, &now, value);
    self->before = now;
    for (int i = 0; i < gpus_count(self->gpus); i++) {
        struct gpu_sample gpu;
        double *const of_gpu = value + USAGE_VALUES + i * USAGE_GPU_VALUES;
        gpus_sample(self->gpus, i, &gpu);
        of_gpu[USAGE_GPU] = gpu.use;
        of_gpu[USAGE_GPU_MEMORY] = gpu.memory_used * 1e-9;
        of_gpu[USAGE_GPU_POWER] = gpu.power_w;
        of_gpu[USAGE_GPU_TEMPERATURE] = gpu.temperature_c;
    }
}

void usage_facts(const struct usage *self, struct usage_facts *facts)
{
    *facts = (struct usage_facts){
        .cores = self->before.cores, .gpus = gpus_count(self->gpus), .memory = (double)self->before.memory_total};
    for (int i = 0; i < facts->gpus; i++) {
        struct gpu_sample gpu;
        gpus_sample(self->gpus, i, &gpu);
        gpus_name(self->gpus, i, facts->gpu[i].name);
        facts->gpu[i].memory = gpu.memory_total;
    }
}
