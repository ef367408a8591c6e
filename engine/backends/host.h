/* Memory of a backend whose device is this machine itself: rows of its table (backend.h). Thread: any. */
#pragma once

#include "engine/backends/backend.h"

void host_release(struct device *device, void *memory);
void host_copy(struct device *device, void *to, const void *from, size_t bytes);
void host_fill_zero(struct device *device, void *memory, size_t bytes);
/* Nothing is under way when a call returns. */
void host_synchronize(struct device *device);
