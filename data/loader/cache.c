#include "data/loader/cache.h"

#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/base/text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { VERSION = 1, HEAD_BYTES = 1 << 16, PAGE = 4096 };

static const char magic[8] = "lathe\0px";

struct header {
    char magic[8];
    uint32_t version, entries;
    uint64_t name, bytes; /* of the file */
};

/* One picture: where it lies, what it was made of, and whether it is there. */
struct entry {
    uint64_t offset;
    uint32_t height, width; /* 0: its header cannot be read, so it is never kept */
    uint64_t source_bytes, source_time;
    uint64_t checksum;
    _Atomic uint32_t is_there;
    uint32_t unused;
};

struct cache {
    const struct set *set;
    uint64_t name;
    int64_t max_pixels;
    char *map;
    size_t bytes;
    struct entry *entry;      /* in the map */
    _Atomic char *is_trusted; /* by this process: checked against source and checksum */
};

/* ---- the file's place and layout ---- */

/* The list of files and where they are. */
static uint64_t name_of(const struct set *set)
{
    char *root = realpath(set->root, NULL);
    const char *where = root ? root : set->root;
    const uint64_t name = XXH3_64bits_withSeed(where, strlen(where), set->hash);
    free(root);
    return name;
}

static enum lt_err cache_path(char **path, uint64_t name)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    struct text folder = {0}, file = {0};
    if (base && *base == '/')
        text_add(&folder, "%s/lathe", base);
    else if (home && *home == '/')
        text_add(&folder, "%s/.cache/lathe", home);
    else
        return lt_fail(LT_EUSAGE, "data.cache: there is no folder for it; set HOME or XDG_CACHE_HOME, or data.cache: "
                                  "none");
    enum lt_err err = path_make_folder(text_get(&folder));
    text_add(&file, "%s/decoded-%016" PRIx64 ".pixels", text_get(&folder), name);
    *path = text_detach(&file);
    text_release(&folder);
    if (err != LT_OK) free(*path);
    return err;
}

static uint64_t in_pages(uint64_t bytes)
{
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

static uint64_t picture_bytes(const struct entry *entry)
{
    return (uint64_t)entry->height * entry->width * 3;
}

/* The size of a picture from the first bytes of its file, or from all of it. */
static void read_size(struct entry *entry, const char *path, int64_t max_pixels)
{
    int height = 0, width = 0;
    char *bytes = memory_new(HEAD_BYTES, 1);
    FILE *file = fopen(path, "rb");
    size_t length = file ? fread(bytes, 1, HEAD_BYTES, file) : 0;
    if (file) fclose(file);
    enum lt_err err = picture_size(&height, &width, (const uint8_t *)bytes, length, max_pixels);
    free(bytes);
    if (err != LT_OK && length == HEAD_BYTES && picture_file(&bytes, &length, path) == LT_OK) {
        err = picture_size(&height, &width, (const uint8_t *)bytes, length, max_pixels);
        free(bytes);
    }
    if (err != LT_OK) return;
    entry->height = (uint32_t)height;
    entry->width = (uint32_t)width;
}

static bool stat_source(const char *path, uint64_t *bytes, uint64_t *when)
{
    struct stat info;
    if (stat(path, &info) != 0) return false;
    *bytes = (uint64_t)info.st_size;
    *when = (uint64_t)info.st_mtim.tv_sec * 1000000000u + (uint64_t)info.st_mtim.tv_nsec;
    return true;
}

/* Header and index of a new file, in memory; *bytes is what the file will have. */
static struct header *make_index(const struct cache *self, uint64_t *index_bytes)
{
    const struct set *set = self->set;
    const size_t entries = (size_t)set->samples;
    *index_bytes = in_pages(sizeof(struct header) + entries * sizeof(struct entry));
    struct header *header = memory_new(*index_bytes, 1);
    struct entry *entry = (struct entry *)(header + 1);
    uint64_t at = *index_bytes;
    for (size_t i = 0; i < entries; i++) {
        read_size(&entry[i], set->sample[i].path, self->max_pixels);
        entry[i].offset = at;
        at += (picture_bytes(&entry[i]) + 63) / 64 * 64;
    }
    memcpy(header->magic, magic, sizeof magic);
    header->version = VERSION;
    header->entries = (uint32_t)entries;
    header->name = self->name;
    header->bytes = in_pages(at);
    return header;
}

static bool is_whole(const struct cache *self)
{
    const struct header *header = (const void *)self->map;
    const struct entry *entry = (const void *)(header + 1);
    const int64_t samples = self->set->samples;
    const uint64_t index = sizeof *header + (uint64_t)samples * sizeof *entry, bytes = self->bytes;
    if (bytes < index || memcmp(header->magic, magic, sizeof magic) != 0 || header->version != VERSION ||
        header->entries != samples || header->name != self->name || header->bytes != bytes)
        return false;
    uint64_t end = index; /* pictures follow each other: one that is kept overwrites no other */
    for (int64_t i = 0; i < samples; i++) {
        if (entry[i].offset < end || entry[i].offset > bytes || entry[i].height > INT32_MAX ||
            entry[i].width > INT32_MAX || picture_bytes(&entry[i]) > bytes - entry[i].offset)
            return false;
        end = entry[i].offset + picture_bytes(&entry[i]);
    }
    return true;
}

/* ---- opening ---- */

/* A new file, which replaces the old one when it is whole. */
static enum lt_err make_file(const struct cache *self, const char *path)
{
    int fd;
    char *temporary;
    LT_TRY(path_begin(&fd, &temporary, path));
    uint64_t index;
    struct header *header = make_index(self, &index);
    const int failed = posix_fallocate(fd, 0, (off_t)header->bytes);
    enum lt_err err = LT_OK;
    if (failed)
        err = lt_fail(LT_EIO,
                      "data.cache: %.1f GB for decoded pictures do not fit beside %s (%s); make room, set "
                      "XDG_CACHE_HOME to another disk, or data.cache: none",
                      (double)header->bytes * 1e-9, path, strerror(failed));
    if (err == LT_OK) err = path_write_all(fd, header, index, temporary);
    free(header);
    if (err == LT_OK) return path_commit(fd, temporary, path);
    path_abort(fd, temporary);
    return err;
}

/* False when there is no usable file. */
static bool map_file(struct cache *self, const char *path)
{
    struct stat info;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return false;
    if (fstat(fd, &info) == 0 && info.st_size > (off_t)sizeof(struct header)) {
        self->bytes = (size_t)info.st_size;
        self->map = mmap(NULL, self->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (self->map == MAP_FAILED) self->map = NULL;
    }
    close(fd);
    if (!self->map) return false;
    if (is_whole(self)) return true;
    munmap(self->map, self->bytes);
    self->map = NULL;
    return false;
}

enum lt_err cache_open(struct cache **out, const struct set *set, int64_t max_pixels)
{
    char *path = NULL;
    const uint64_t name = name_of(set);
    LT_TRY(cache_path(&path, name));
    struct cache *self = memory_new(1, sizeof *self);
    self->set = set;
    self->name = name;
    self->max_pixels = max_pixels;
    self->is_trusted = memory_new((size_t)set->samples, sizeof *self->is_trusted);
    enum lt_err err = LT_OK;
    if (!map_file(self, path)) {
        err = make_file(self, path);
        if (err == LT_OK && !map_file(self, path)) err = lt_fail_errno("map the cache", path);
    }
    free(path);
    if (err != LT_OK) {
        cache_close(self);
        return err;
    }
    self->entry = (struct entry *)(void *)(self->map + sizeof(struct header));
    *out = self;
    return LT_OK;
}

void cache_close(struct cache *self)
{
    if (!self) return;
    if (self->map) munmap(self->map, self->bytes);
    free(self->is_trusted);
    free(self);
}

/* ---- pictures ---- */

/* Is what the file holds made of this very source, and undamaged? */
static bool is_good(const struct cache *self, const struct entry *entry, const char *path)
{
    uint64_t bytes, when;
    return entry->is_there && stat_source(path, &bytes, &when) && bytes == entry->source_bytes &&
           when == entry->source_time &&
           XXH3_64bits(self->map + entry->offset, picture_bytes(entry)) == entry->checksum;
}

static enum lt_err decode(struct picture *spare, const char *path, int64_t max_pixels)
{
    char *bytes;
    size_t length;
    LT_TRY(picture_file(&bytes, &length, path));
    enum lt_err err = picture_decode(spare, (const uint8_t *)bytes, length, max_pixels);
    free(bytes);
    return err == LT_OK ? LT_OK : lt_fail_in(err, "%s: ", path);
}

/* Keeps what was decoded, where its place fits: the source may have changed since the file was made. */
static bool keep(struct cache *self, struct entry *entry, const struct picture *picture, uint64_t bytes, uint64_t when)
{
    if (picture->height != (int)entry->height || picture->width != (int)entry->width) return false;
    entry->is_there = 0;
    memcpy(self->map + entry->offset, picture->rgb, picture_bytes(entry));
    entry->source_bytes = bytes;
    entry->source_time = when;
    entry->checksum = XXH3_64bits(picture->rgb, picture_bytes(entry));
    entry->is_there = 1;
    return true;
}

enum lt_err cache_picture(struct cache *self, int64_t sample, struct picture *spare, const uint8_t **rgb, int *height,
                          int *width)
{
    struct entry *entry = &self->entry[sample];
    const char *path = self->set->sample[sample].path;
    bool good = self->is_trusted[sample] || is_good(self, entry, path);
    if (!good) {
        uint64_t bytes = 0, when = 0;
        const bool known = stat_source(path, &bytes, &when);
        LT_TRY(decode(spare, path, self->max_pixels));
        good = known && keep(self, entry, spare, bytes, when);
    }
    self->is_trusted[sample] = good;
    *rgb = good ? (const uint8_t *)self->map + entry->offset : spare->rgb;
    *height = good ? (int)entry->height : spare->height;
    *width = good ? (int)entry->width : spare->width;
    return LT_OK;
}
