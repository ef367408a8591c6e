#include "engine/backends/backend.h"

#include <string.h>

static const struct backend *const backends[] = {
#define BACKEND(name) &backend_##name,
#include "engine/backends/backends.def"
#undef BACKEND
};

const struct backend *backend_find(const char *name)
{
    for (size_t i = 0; i < sizeof backends / sizeof *backends; i++)
        if (strcmp(backends[i]->name, name) == 0) return backends[i];
    return NULL;
}
