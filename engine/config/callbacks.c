#include "engine/config/config.h"

#include "data/base/memory.h"

#include <stdlib.h>
#include <string.h>

struct naming {
    const char *const *known;
    size_t count;
};

static enum lt_err add(struct callbacks *self, const struct callback *callback, const struct setting *at,
                       struct naming names)
{
    const char *name;
    const struct setting *rest = NULL;
    void *state = memory_new(1, callback->bound_bytes);
    enum lt_err err = at ? options_member(&name, &rest, at) : LT_OK;
    if (err == LT_OK)
        err = at ? options_bind_member(state, callback->table, at, rest) : options_bind(state, callback->table, NULL);
    if (err != LT_OK) {
        free(state);
        return err;
    }
    self->callback = memory_resize(self->callback, self->count + 1, sizeof *self->callback);
    self->self = memory_resize(self->self, self->count + 1, sizeof *self->self);
    self->where = memory_resize(self->where, self->count + 1, sizeof *self->where);
    self->callback[self->count] = callback;
    self->where[self->count] = at;
    self->self[self->count++] = state;
    return callback->check ? callback->check(state, at, names.known, names.count) : LT_OK;
}

/* Every member of the list is known; unknown names are told with the nearest. */
static enum lt_err check_names(const struct setting *list)
{
    if (setting_is_null(list)) return LT_OK;
    if (list->kind != SETTING_SEQUENCE) return setting_fail(list, "a list of callbacks stands here");
    for (size_t i = 0; i < list->count; i++) {
        const char *name;
        const struct setting *rest;
        LT_TRY(options_member(&name, &rest, list->child[i]));
        if (!callback_find(name)) return setting_fail(list->child[i], "%s", lt_message());
    }
    return LT_OK;
}

/* All of one kind, in the order of the list; a model_checkpoint is added where there is none. */
static enum lt_err read_kind(struct callbacks *self, const struct callback *callback, const struct setting *list,
                             struct naming names)
{
    size_t before = self->count;
    for (size_t i = 0; !setting_is_null(list) && i < list->count; i++) {
        const char *name;
        const struct setting *rest;
        LT_TRY(options_member(&name, &rest, list->child[i]));
        if (strcmp(name, callback->name) == 0) LT_TRY(add(self, callback, list->child[i], names));
    }
    if (self->count > before || callback != &callback_model_checkpoint) return LT_OK;
    return add(self, callback, NULL, names);
}

enum lt_err callbacks_read(struct callbacks *self, const struct config *config, const char *const *known, size_t count)
{
    struct naming names = {known, count};
    const struct setting *list = config->trainer.callbacks;
    *self = (struct callbacks){0};
    enum lt_err err = check_names(list);
    const struct callback *callback;
    for (int i = 0; err == LT_OK && (callback = callback_at(i)); i++) err = read_kind(self, callback, list, names);
    if (err != LT_OK) callbacks_release(self);
    return err;
}

bool callbacks_watch(const struct callbacks *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->callback[i]->watches) return true;
    return false;
}

void callbacks_release(struct callbacks *self)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->callback[i]->release) self->callback[i]->release(self->self[i]);
        options_release(self->self[i], self->callback[i]->table);
        free(self->self[i]);
    }
    free(self->callback);
    free(self->self);
    free(self->where);
    *self = (struct callbacks){0};
}
