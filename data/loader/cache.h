/* Decoded pictures of a set in one mapped file, so that later epochs and runs decode nothing. The file lies in the
 * user's cache folder and is named after the list of files; a picture is decoded when it is first asked for. Nothing in
 * the file is believed: what does not fit the source's size and time, or its own checksum, is decoded again. Several
 * threads and processes may use one file at a time. */
#pragma once

#include "data/codecs/codec.h"
#include "data/data.h"

struct cache;

/* Opens or makes the file of a set. Takes the room on the disk at once, so that a full one is an error here. */
enum lt_err cache_open(struct cache **self, const struct set *set, int64_t max_pixels) LT_MUST_CHECK;
void cache_close(struct cache *self);

/* Lends the pixels of a sample until the cache is closed. `spare` is what the thread decodes with. */
enum lt_err cache_picture(struct cache *self, int64_t sample, struct picture *spare, const uint8_t **rgb, int *height,
                          int *width) LT_MUST_CHECK;
