/* Stands in for NVIDIA's libnvidia-ml.so.1 in tests: two GPUs, of which the second tells neither power nor temperature.
 */
#include <stdio.h>

#define EXPORT __attribute__((visibility("default")))
enum { SUCCESS = 0, NOT_SUPPORTED = 3 };

static int gpus[2], is_open;

EXPORT int nvmlInit_v2(void);
EXPORT int nvmlShutdown(void);
EXPORT int nvmlDeviceGetCount_v2(unsigned *count);
EXPORT int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device);
EXPORT int nvmlDeviceGetName(void *device, char *name, unsigned length);
EXPORT int nvmlDeviceGetUtilizationRates(void *device, unsigned utilization[2]);
EXPORT int nvmlDeviceGetMemoryInfo(void *device, unsigned long long memory[3]);
EXPORT int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts);
EXPORT int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius);

int nvmlInit_v2(void)
{
    is_open++;
    return SUCCESS;
}

int nvmlShutdown(void)
{
    is_open--;
    return SUCCESS;
}

int nvmlDeviceGetCount_v2(unsigned *count)
{
    *count = is_open ? 2 : 0;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device)
{
    *device = &gpus[index];
    return SUCCESS;
}

int nvmlDeviceGetName(void *device, char *name, unsigned length)
{
    snprintf(name, length, "Test GPU %c", device == &gpus[0] ? 'A' : 'B');
    return SUCCESS;
}

int nvmlDeviceGetUtilizationRates(void *device, unsigned utilization[2])
{
    utilization[0] = device == &gpus[0] ? 87 : 3;
    utilization[1] = 40;
    return SUCCESS;
}

int nvmlDeviceGetMemoryInfo(void *device, unsigned long long memory[3])
{
    memory[0] = 80000000000ull;
    memory[2] = device == &gpus[0] ? 34000000000ull : 1000000000ull;
    memory[1] = memory[0] - memory[2];
    return SUCCESS;
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts)
{
    *milliwatts = 312500;
    return device == &gpus[0] ? SUCCESS : NOT_SUPPORTED;
}

int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius)
{
    *celsius = sensor == 0 ? 61 : 0;
    return device == &gpus[0] ? SUCCESS : NOT_SUPPORTED;
}
