#include "data/codecs/codec.h"

#include "data/base/memory.h"
#include "data/base/path.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 30 };

static const struct codec *const codecs[] = {
#define CODEC(name) &codec_##name,
#include "data/codecs/codecs.def"
#undef CODEC
};

static void free_kept(struct codec_memory *self)
{
    free(self->tables);
    free(self->scratch);
}

void picture_release(struct picture *self)
{
    free(self->rgb);
    free_kept(&self->kept);
    *self = (struct picture){0};
}

void planes_release(struct planes *self)
{
    free(self->memory);
    free_kept(&self->kept);
    *self = (struct planes){0};
}

static enum lt_err make_room(uint8_t **memory, size_t *capacity, size_t bytes)
{
    if (bytes <= *capacity) return LT_OK;
    free(*memory);
    *capacity = 0;
    *memory = memory_try(bytes);
    if (!*memory) return lt_fail(LT_ENOMEM, "its %.0f MB of pixels do not fit in memory", (double)bytes * 1e-6);
    *capacity = bytes;
    return LT_OK;
}

enum lt_err planes_resize(struct planes *self)
{
    size_t bytes = 0;
    for (int i = 0; i < 3; i++) bytes += self->plane[i].stride * (size_t)self->plane[i].height;
    LT_TRY(make_room(&self->memory, &self->capacity, bytes));
    uint8_t *at = self->memory;
    for (int i = 0; i < 3; i++) {
        self->plane[i].pixels = at;
        at += self->plane[i].stride * (size_t)self->plane[i].height;
    }
    return LT_OK;
}

enum lt_err picture_resize(struct picture *self, int height, int width)
{
    LT_TRY(make_room(&self->rgb, &self->capacity, (size_t)width * (size_t)height * 3));
    self->width = width;
    self->height = height;
    return LT_OK;
}

enum lt_err codec_scratch(struct codec_memory *self, uint8_t **scratch, size_t bytes)
{
    LT_TRY(make_room(&self->scratch, &self->scratch_bytes, bytes));
    *scratch = self->scratch;
    return LT_OK;
}

/* The name of a known format that has no codec. */
static const char *foreign_name(const uint8_t *bytes, size_t length)
{
    static const struct {
        const char *start;
        size_t length;
        const char *name;
    } formats[] = {
        {"GIF8", 4, "GIF"}, {"BM", 2, "BMP"}, {"II*\0", 4, "TIFF"}, {"MM\0*", 4, "TIFF"}, {"8BPS", 4, "PSD"}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (length >= formats[i].length && memcmp(bytes, formats[i].start, formats[i].length) == 0)
            return formats[i].name;
    if (length >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0) return "WebP";
    if (length >= 12 && memcmp(bytes + 4, "ftyp", 4) == 0) return "HEIF or AVIF";
    if (length >= 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '6' && strchr(" \t\r\n#", bytes[2]))
        return "PNM";
    return NULL;
}

static enum lt_err find_codec(const struct codec **codec, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        if (codecs[i]->matches(bytes, length)) return *codec = codecs[i], LT_OK;
    if (length == 0) return lt_fail(LT_EDATA, "the file is empty");
    const char *name = foreign_name(bytes, length);
    if (name) return lt_fail(LT_EDATA, "unsupported format %s; convert it to JPEG or PNG", name);
    return lt_fail(LT_EDATA, "this is no JPEG and no PNG");
}

/* Nothing in a header is believed. */
static enum lt_err check_size(int64_t height, int64_t width, int64_t max_pixels)
{
    if (width < 1 || height < 1 || width > INT32_MAX || height > INT32_MAX)
        return lt_fail(LT_EDATA, "its size %" PRId64 "x%" PRId64 " is impossible", width, height);
    if (width > max_pixels / height)
        return lt_fail(LT_EDATA,
                       "its size %" PRId64 "x%" PRId64 " is more than the %" PRId64 " pixels allowed (data.max_pixels)",
                       width, height, max_pixels);
    return LT_OK;
}

enum lt_err picture_size(int *height, int *width, const uint8_t *bytes, size_t length, int64_t max_pixels)
{
    const struct codec *codec = NULL;
    int64_t h, w;
    LT_TRY(find_codec(&codec, bytes, length));
    LT_TRY(codec->size(&h, &w, bytes, length));
    LT_TRY(check_size(h, w, max_pixels));
    *height = (int)h;
    *width = (int)w;
    return LT_OK;
}

enum lt_err picture_decode_part(struct picture *self, const uint8_t *bytes, size_t length, struct box part)
{
    const struct codec *codec = NULL;
    LT_TRY(find_codec(&codec, bytes, length));
    return codec->decode(self, bytes, length, part);
}

enum lt_err picture_decode_planes(struct planes *self, const uint8_t *bytes, size_t length, struct box part, int height,
                                  int width)
{
    const struct codec *codec = NULL;
    int shrink = 8;
    while (shrink > 1 && (part.height < 2 * shrink * height || part.width < 2 * shrink * width)) shrink /= 2;
    self->plane[0].pixels = NULL;
    LT_TRY(find_codec(&codec, bytes, length));
    return codec->planes ? codec->planes(self, bytes, length, part, shrink) : LT_OK;
}

enum lt_err picture_decode(struct picture *self, const uint8_t *bytes, size_t length, int64_t max_pixels)
{
    struct box whole = {0};
    LT_TRY(picture_size(&whole.height, &whole.width, bytes, length, max_pixels));
    return picture_decode_part(self, bytes, length, whole);
}

enum lt_err picture_file(char **bytes, size_t *length, const char *path)
{
    return path_read(bytes, length, path, FILE_MAX);
}
