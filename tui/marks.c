#include "tui/marks.h"

#include "data/base/memory.h"

#include <stdlib.h>
#include <string.h>

static size_t find(const struct marks *self, const char *name)
{
    size_t i = 0;
    while (i < self->metrics && strcmp(self->metric[i], name) != 0) i++;
    return i;
}

void marks_turn_metric(struct marks *self, const char *name)
{
    const size_t at = find(self, name);
    if (at == self->metrics) {
        self->metric = memory_grow(self->metric, self->metrics, &self->capacity, sizeof *self->metric);
        self->metric[self->metrics++] = memory_text(name);
        return;
    }
    free(self->metric[at]);
    self->metrics--;
    memmove(self->metric + at, self->metric + at + 1, (self->metrics - at) * sizeof *self->metric);
}

bool marks_has_metric(const struct marks *self, const char *name)
{
    return find(self, name) < self->metrics;
}

void marks_turn_run(struct marks *self, size_t run)
{
    if (run < 64) self->run ^= (uint64_t)1 << run;
}

bool marks_has_run(const struct marks *self, size_t run)
{
    return run < 64 && self->run >> run & 1;
}

bool marks_show_run(const struct marks *self, size_t run)
{
    return self->run == 0 || marks_has_run(self, run);
}

void marks_release(struct marks *self)
{
    for (size_t i = 0; i < self->metrics; i++) free(self->metric[i]);
    free(self->metric);
    *self = (struct marks){0};
}
