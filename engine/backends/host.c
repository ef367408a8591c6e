#include "engine/backends/host.h"

#include <stdlib.h>
#include <string.h>

void host_release(struct device *device, void *memory)
{
    (void)device;
    free(memory);
}

void host_copy(struct device *device, void *to, const void *from, size_t bytes)
{
    (void)device;
    memcpy(to, from, bytes);
}

void host_fill_zero(struct device *device, void *memory, size_t bytes)
{
    (void)device;
    memset(memory, 0, bytes);
}

void host_synchronize(struct device *device)
{
    (void)device;
}
