/* torchvision.datasets.ImageFolder: one subfolder per class, sorted; every picture below it, sorted. */
#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/sets/set.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

struct finding {
    struct set *set;
    size_t capacity;
    int32_t class_index;
};

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum lt_err list_classes(struct set *self, const char *root)
{
    size_t capacity = 0;
    DIR *open = opendir(root);
    if (!open) return lt_fail_errno("open the data folder", root);
    for (struct dirent *entry; (entry = readdir(open));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char *path = path_join(root, entry->d_name);
        bool is_folder = path_is_folder(path);
        free(path);
        if (!is_folder) continue;
        self->class_name = memory_grow(self->class_name, (size_t)self->classes, &capacity, sizeof *self->class_name);
        self->class_name[self->classes++] = memory_text(entry->d_name);
    }
    closedir(open);
    if (self->classes == 0)
        return lt_fail(LT_EDATA, "%s has no subfolders; it must hold one folder of pictures per class", root);
    qsort(self->class_name, (size_t)self->classes, sizeof *self->class_name, by_bytes);
    return LT_OK;
}

static enum lt_err found(void *context, const char *path)
{
    struct finding *self = context;
    if (!is_picture_name(path)) return LT_OK;
    LT_TRY(check_format_name(path));
    set_add(self->set, &self->capacity, memory_text(path), self->class_index);
    return LT_OK;
}

static enum lt_err open_folder(struct set *self, const char *root)
{
    LT_TRY(list_classes(self, root));
    if (self->classes < 2)
        return lt_fail(LT_EDATA, "%s has one class only ('%s'); a classifier needs at least two subfolders", root,
                       self->class_name[0]);
    struct finding finding = {.set = self};
    for (int32_t i = 0; i < self->classes; i++) {
        int64_t before = self->samples;
        char *folder = path_join(root, self->class_name[i]);
        finding.class_index = i;
        enum lt_err err = walk_files(folder, found, &finding);
        if (err == LT_OK && self->samples == before)
            err = lt_fail(LT_EDATA, "the class folder %s holds no picture; add some or remove the folder", folder);
        free(folder);
        if (err != LT_OK) return err;
    }
    return LT_OK;
}

const struct set_kind set_image_folder = {
    .name = "image_folder",
    .help = "one subfolder of JPEG and PNG pictures per class",
    .open = open_folder,
};
