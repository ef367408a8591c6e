#include "data/sets/set.h"

#include "data/base/memory.h"
#include "data/base/options.h"
#include "data/base/path.h"
#include "data/base/rng.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static const struct set_kind *const kinds[] = {
#define SET(name) &set_##name,
#include "data/sets/sets.def"
#undef SET
};
enum { KINDS = sizeof kinds / sizeof *kinds };

void set_add(struct set *self, size_t *capacity, char *path, int32_t class_index)
{
    self->sample = memory_grow(self->sample, (size_t)self->samples, capacity, sizeof *self->sample);
    self->sample[self->samples++] = (struct sample){.path = path, .class_index = class_index};
}

/* Over class names and, in order, each file's path below the root and its class. */
static uint64_t hash_list(const struct set *self)
{
    XXH3_state_t *state = XXH3_createState();
    if (!state || XXH3_64bits_reset(state) != XXH_OK) lt_panic(__FILE__, __LINE__, "no memory for a hash");
    size_t root = strlen(self->root);
    for (int32_t i = 0; i < self->classes; i++)
        XXH3_64bits_update(state, self->class_name[i], strlen(self->class_name[i]) + 1);
    for (int64_t i = 0; i < self->samples; i++) {
        const struct sample *sample = &self->sample[i];
        const char *below = strncmp(sample->path, self->root, root) == 0 ? sample->path + root : sample->path;
        while (*below == '/') below++;
        XXH3_64bits_update(state, below, strlen(below) + 1);
        XXH3_64bits_update(state, &sample->class_index, sizeof sample->class_index);
    }
    uint64_t hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return hash;
}

static enum lt_err find_kind(const struct set_kind **kind, const char *name)
{
    const char *names[KINDS];
    for (int i = 0; i < KINDS; i++) {
        names[i] = kinds[i]->name;
        if (strcmp(names[i], name) == 0) return *kind = kinds[i], LT_OK;
    }
    const char *nearest = options_nearest(name, names, KINDS);
    return lt_fail(LT_EUSAGE, "data.name: there is no kind of data set '%s'; did you mean '%s'?", name,
                   nearest ? nearest : names[0]);
}

enum lt_err set_open(struct set **out, const char *name, const char *root)
{
    const struct set_kind *kind = NULL;
    LT_TRY(find_kind(&kind, name));
    if (!path_exists(root)) return lt_fail(LT_EDATA, "the data folder %s does not exist; correct data.data_dir", root);
    if (!path_is_folder(root))
        return lt_fail(LT_EDATA, "%s is a file, but a folder with one subfolder per class is needed", root);
    struct set *self = memory_new(1, sizeof *self);
    self->root = memory_text(root);
    enum lt_err err = kind->open(self, root);
    if (err == LT_OK) {
        self->hash = hash_list(self);
        *out = self;
    } else {
        set_free(self);
    }
    return err;
}

struct finding {
    struct set *set;
    size_t capacity;
};

static enum lt_err found(void *context, const char *path)
{
    struct finding *self = context;
    if (is_picture_name(path)) set_add(self->set, &self->capacity, memory_text(path), -1);
    return LT_OK;
}

enum lt_err set_of_files(struct set **out, char *const *path, size_t count)
{
    struct set *self = memory_new(1, sizeof *self);
    struct finding finding = {.set = self};
    self->root = memory_text("");
    enum lt_err err = LT_OK;
    for (size_t i = 0; err == LT_OK && i < count; i++) {
        if (!path_exists(path[i]))
            err = lt_fail(LT_EDATA, "there is no file or folder %s", path[i]);
        else if (path_is_folder(path[i]))
            err = walk_files(path[i], found, &finding);
        else
            set_add(self, &finding.capacity, memory_text(path[i]), -1);
    }
    if (err == LT_OK && self->samples == 0) err = lt_fail(LT_EDATA, "no pictures were found");
    if (err == LT_OK)
        *out = self;
    else
        set_free(self);
    return err;
}

void set_free(struct set *self)
{
    if (!self) return;
    for (int32_t i = 0; i < self->classes; i++) free(self->class_name[i]);
    for (int64_t i = 0; i < self->samples; i++) free((char *)self->sample[i].path);
    free(self->class_name);
    free(self->sample);
    free(self->root);
    free(self);
}

void split_indices(int64_t *index, int64_t *train_count, int64_t n, double train_fraction, uint64_t seed)
{
    rng_torch_randperm(index, n, seed);
    *train_count = (int64_t)((double)n * train_fraction);
}
