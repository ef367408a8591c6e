/* A kind of data set: finds pictures and classes below a root. Implementers' door; users include data/data.h. Thread:
 * one. */
#pragma once

#include "data/data.h"

struct set_kind {
    const char *name;
    const char *help;
    enum lt_err (*open)(struct set *self, const char *root); /* fills the zeroed set */
};

#define SET(name) extern const struct set_kind set_##name;
#include "data/sets/sets.def"
#undef SET

/* Appends a sample; takes `path`. */
void set_add(struct set *self, size_t *capacity, char *path, int32_t class_index);

/* Is this name one of torchvision's picture extensions, in any case? */
bool is_picture_name(const char *name);

/* Fails on a name whose format has no codec (bmp, ppm, tif, webp …). */
enum lt_err check_format_name(const char *path) LT_MUST_CHECK;

/* Calls found(context, path) for every file below `folder`, folders sorted by path, files sorted inside each, links
 * followed; a link that leads back to a folder above it is an error that names it. `found` borrows path. */
enum lt_err walk_files(const char *folder, enum lt_err (*found)(void *context, const char *path),
                       void *context) LT_MUST_CHECK;
