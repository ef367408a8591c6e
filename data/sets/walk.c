/* os.walk(followlinks=True) of Python as torchvision uses it, but a loop of links is noticed. */
#include "data/sets/set.h"

#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 128 };

bool is_picture_name(const char *name)
{
    static const char *const extension[] = {".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof extension / sizeof *extension; i++) {
        size_t size = strlen(extension[i]);
        if (length >= size && strcasecmp(name + length - size, extension[i]) == 0) return true;
    }
    return false;
}

enum lt_err check_format_name(const char *path)
{
    static const char *const foreign[] = {".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"};
    const char *dot = strrchr(path_name(path), '.');
    for (size_t i = 0; dot && i < sizeof foreign / sizeof *foreign; i++)
        if (strcasecmp(dot, foreign[i]) == 0)
            return lt_fail(
                LT_EDATA,
                "%s: pictures in the format %s cannot be read; convert them to JPEG or PNG, or move them away", path,
                foreign[i] + 1);
    return LT_OK;
}

struct walk {
    enum lt_err (*found)(void *context, const char *path);
    void *context;
    struct {
        dev_t device;
        ino_t inode;
    } above[DEPTH_MAX];
    int depth;
};

struct names {
    char **item;
    size_t count, capacity;
};

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void release(struct names *names)
{
    for (size_t i = 0; i < names->count; i++) free(names->item[i]);
    free(names->item);
}

static enum lt_err list(struct names *names, const char *folder)
{
    DIR *open = opendir(folder);
    if (!open) return lt_fail_errno("open the folder", folder);
    for (struct dirent *entry; (entry = readdir(open));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        names->item = memory_grow(names->item, names->count, &names->capacity, sizeof *names->item);
        names->item[names->count++] = memory_text(entry->d_name);
    }
    closedir(open);
    if (names->count) qsort(names->item, names->count, sizeof *names->item, by_bytes);
    return LT_OK;
}

static enum lt_err enter(struct walk *self, const char *folder)
{
    struct stat st;
    if (stat(folder, &st) != 0) return lt_fail_errno("open the folder", folder);
    for (int i = 0; i < self->depth; i++)
        if (self->above[i].device == st.st_dev && self->above[i].inode == st.st_ino)
            return lt_fail(LT_EDATA, "%s leads back to a folder above it; remove the link", folder);
    if (self->depth == DEPTH_MAX) return lt_fail(LT_EDATA, "%s is nested more than %d folders deep", folder, DEPTH_MAX);
    self->above[self->depth].device = st.st_dev;
    self->above[self->depth++].inode = st.st_ino;
    return LT_OK;
}

static enum lt_err walk_folder(struct walk *self, const char *folder);

static enum lt_err walk_names(struct walk *self, const char *folder, const struct names *names, bool folders)
{
    for (size_t i = 0; i < names->count; i++) {
        char *path = path_join(folder, names->item[i]);
        bool is_folder = path_is_folder(path);
        enum lt_err err = LT_OK;
        if (is_folder == folders) err = is_folder ? walk_folder(self, path) : self->found(self->context, path);
        free(path);
        if (err != LT_OK) return err;
    }
    return LT_OK;
}

static enum lt_err walk_folder(struct walk *self, const char *folder)
{
    struct names names = {0};
    LT_TRY(enter(self, folder));
    enum lt_err err = list(&names, folder);
    if (err == LT_OK) err = walk_names(self, folder, &names, false);
    if (err == LT_OK) err = walk_names(self, folder, &names, true);
    release(&names);
    self->depth--;
    return err;
}

enum lt_err walk_files(const char *folder, enum lt_err (*found)(void *context, const char *path), void *context)
{
    struct walk walk = {.found = found, .context = context};
    return walk_folder(&walk, folder);
}
