#include "engine/callbacks/callback.h"

#include "data/base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct callback *const callbacks[] = {
#define CALLBACK(name) &callback_##name,
#include "engine/callbacks/callbacks.def"
#undef CALLBACK
};
enum { CALLBACK_COUNT = sizeof callbacks / sizeof *callbacks };

const struct callback *callback_at(int index)
{
    return index >= 0 && index < CALLBACK_COUNT ? callbacks[index] : NULL;
}

const struct callback *callback_find(const char *name)
{
    const char *names[CALLBACK_COUNT];
    for (int i = 0; i < CALLBACK_COUNT; i++) {
        names[i] = callbacks[i]->name;
        if (strcmp(names[i], name) == 0) return callbacks[i];
    }
    const char *nearest = options_nearest(name, names, CALLBACK_COUNT);
    (void)lt_fail(LT_EUSAGE, "there is no callback '%s'%s%s%s", name, nearest ? "; did you mean '" : "",
                  nearest ? nearest : "", nearest ? "'?" : "");
    return NULL;
}

bool run_view_value(const struct run_view *run, const char *name, struct logged_value *value)
{
    for (size_t i = 0; i < run->values; i++) {
        if (run->value[i].step < 0 || strcmp(run->value[i].name, name) != 0) continue;
        *value = run->value[i];
        return true;
    }
    return false;
}

enum lt_err callback_check_monitor(const char *monitor, const struct setting *where, const char *const *known,
                                   size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(known[i], monitor) == 0) return LT_OK;
    const char *nearest = options_nearest(monitor, known, count);
    return setting_fail(where, "nothing is logged under the name '%s'%s%s%s", monitor,
                        nearest ? "; did you mean '" : "", nearest ? nearest : "",
                        nearest ? "'?" : "; metrics.val and metrics.train say what is");
}

void wishes_stop(struct wishes *self, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    self->stop = true;
    free(self->stop_reason);
    self->stop_reason = memory_text(text);
}

static void append(char ***list, size_t *count, const char *path)
{
    *list = memory_resize(*list, *count + 1, sizeof **list);
    (*list)[(*count)++] = memory_text(path);
}

void wishes_save(struct wishes *self, const char *path)
{
    append(&self->save, &self->saves, path);
}

void wishes_remove(struct wishes *self, const char *path)
{
    append(&self->remove, &self->removes, path);
}

void wishes_release(struct wishes *self)
{
    for (size_t i = 0; i < self->saves; i++) free(self->save[i]);
    for (size_t i = 0; i < self->removes; i++) free(self->remove[i]);
    free(self->save);
    free(self->remove);
    free(self->stop_reason);
    *self = (struct wishes){0};
}
