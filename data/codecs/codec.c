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

void picture_release(struct picture *self)
{
    free(self->rgb);
    *self = (struct picture){0};
}

enum lt_err picture_resize(struct picture *self, int height, int width)
{
    size_t bytes = (size_t)width * (size_t)height * 3;
    if (bytes > self->capacity) {
        free(self->rgb);
        self->capacity = 0;
        self->rgb = memory_try(bytes);
        if (!self->rgb) return lt_fail(LT_ENOMEM, "its %.0f MB of pixels do not fit in memory", (double)bytes * 1e-6);
        self->capacity = bytes;
    }
    self->width = width;
    self->height = height;
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
