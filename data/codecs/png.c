/* PNG by libpng, to what Pillow's convert("RGB") gives: palettes looked up, alpha and tRNS dropped without compositing,
 * 16-bit channels cut to their high byte, but 16-bit grey alone clipped at 255. */
#include "data/codecs/codec.h"

#include "data/base/memory.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

struct reader {
    png_structp png;
    png_infop info;
    const uint8_t *bytes;
    size_t length, at;
    char message[160];
    png_bytep *row;
    uint8_t *wide; /* [height, width, 2]: 16-bit grey */
};

static void on_error(png_structp png, png_const_charp text)
{
    struct reader *self = png_get_error_ptr(png);
    strncpy(self->message, text, sizeof self->message - 1);
    longjmp(png_jmpbuf(png), 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png, (void)text; /* about ancillary chunks, which are not used */
}

static void read_bytes(png_structp png, png_bytep to, size_t count)
{
    struct reader *self = png_get_io_ptr(png);
    if (count > self->length - self->at) png_error(png, "the file is cut off");
    memcpy(to, self->bytes + self->at, count);
    self->at += count;
}

static bool matches(const uint8_t *bytes, size_t length)
{
    return length >= 8 && png_sig_cmp(bytes, 0, 8) == 0;
}

/* True when the picture is 16-bit grey, which is read as it is. */
static bool set_transforms(struct reader *self)
{
    int depth = png_get_bit_depth(self->png, self->info), color = png_get_color_type(self->png, self->info);
    if (color == PNG_COLOR_TYPE_GRAY && depth == 16) return true;
    if (color == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(self->png);
    if (color == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(self->png);
    if (depth == 16) png_set_strip_16(self->png);
    if (color == PNG_COLOR_TYPE_PALETTE || (color & PNG_COLOR_MASK_ALPHA)) png_set_strip_alpha(self->png);
    if (!(color & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(self->png);
    return false;
}

static void narrow(struct picture *picture, const uint8_t *wide)
{
    size_t count = (size_t)picture->width * (size_t)picture->height;
    for (size_t i = 0; i < count; i++) {
        uint8_t value = wide[2 * i] ? 255 : wide[2 * i + 1]; /* big-endian */
        memset(picture->rgb + 3 * i, value, 3);
    }
}

/* Everything that may jump. */
static enum lt_err decode_all(struct reader *self, struct picture *picture)
{
    png_read_info(self->png, self->info);
    LT_TRY(picture_resize(picture, (int)png_get_image_height(self->png, self->info),
                          (int)png_get_image_width(self->png, self->info)));
    bool is_wide = set_transforms(self);
    png_set_interlace_handling(self->png);
    png_read_update_info(self->png, self->info);
    size_t bytes = (size_t)picture->width * (is_wide ? 2 : 3), rows = (size_t)picture->height;
    if (png_get_rowbytes(self->png, self->info) != bytes) png_error(self->png, "an unexpected row size");
    if (is_wide) self->wide = memory_try(bytes * rows);
    if (is_wide && !self->wide) return lt_fail(LT_ENOMEM, "its pixels do not fit in memory");
    self->row = memory_new(rows, sizeof *self->row);
    for (size_t y = 0; y < rows; y++) self->row[y] = (is_wide ? self->wide : picture->rgb) + y * bytes;
    png_read_image(self->png, self->row);
    png_read_end(self->png, NULL); /* checks what is left, the last checksum of the data too */
    if (is_wide) narrow(picture, self->wide);
    return LT_OK;
}

/* Keeps a part of the whole, in place. */
static void keep_part(struct picture *picture, struct box part)
{
    const size_t row = (size_t)part.width * 3;
    for (int y = 0; y < part.height; y++)
        memmove(picture->rgb + (size_t)y * row,
                picture->rgb + ((size_t)(part.top + y) * (size_t)picture->width + (size_t)part.left) * 3, row);
    picture->height = part.height;
    picture->width = part.width;
}

/* The header is the first chunk and of one size. */
static enum lt_err size(int64_t *height, int64_t *width, const uint8_t *bytes, size_t length)
{
    if (length < 24 || memcmp(bytes + 12, "IHDR", 4) != 0)
        return lt_fail(LT_EDATA, "the PNG is damaged or cut off: it has no header");
    *width = png_get_uint_32(bytes + 16);
    *height = png_get_uint_32(bytes + 20);
    return LT_OK;
}

static enum lt_err decode(struct picture *picture, const uint8_t *bytes, size_t length, struct box part)
{
    struct reader *self = memory_new(1, sizeof *self);
    self->bytes = bytes;
    self->length = length;
    enum lt_err err;
    self->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, self, on_error, on_warning);
    self->info = self->png ? png_create_info_struct(self->png) : NULL;
    if (!self->info) {
        err = lt_fail(LT_ENOMEM, "no memory to decode a PNG");
    } else if (setjmp(png_jmpbuf(self->png)) == 0) {
        png_set_read_fn(self->png, self, read_bytes);
        png_set_user_limits(self->png, INT32_MAX, INT32_MAX); /* picture_size decided */
        err = decode_all(self, picture);
    } else {
        err = lt_fail(LT_EDATA, "the PNG is damaged or cut off: %s", self->message);
    }
    png_destroy_read_struct(&self->png, &self->info, NULL);
    free(self->row);
    free(self->wide);
    free(self);
    if (err == LT_OK) keep_part(picture, part);
    return err;
}

const struct codec codec_png = {.name = "PNG", .matches = matches, .size = size, .decode = decode};
