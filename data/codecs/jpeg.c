/* JPEG by libjpeg-turbo: accurate integer DCT and smooth chroma upsampling, its defaults and Pillow's. */
#include "data/codecs/codec.h"

#include "data/base/memory.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

struct reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf failed;
    bool damaged; /* the library warned that data are missing or wrong, and made some up */
    char message[JMSG_LENGTH_MAX];
    uint8_t *row; /* one row of CMYK */
};

static void on_error(j_common_ptr jpeg)
{
    struct reader *self = jpeg->client_data;
    jpeg->err->format_message(jpeg, self->message);
    longjmp(self->failed, 1);
}

/* Warnings about the picture's data; oddities of the header are none. */
static bool is_damage(int code)
{
    return code == JWRN_HIT_MARKER || code == JWRN_JPEG_EOF || code == JWRN_HUFF_BAD_CODE || code == JWRN_MUST_RESYNC ||
           code == JWRN_NOT_SEQUENTIAL || code == JWRN_BOGUS_PROGRESSION || code == JWRN_ARITH_BAD_CODE;
}

static void on_message(j_common_ptr jpeg, int level)
{
    struct reader *self = jpeg->client_data;
    if (level >= 0 || self->damaged || !is_damage(jpeg->err->msg_code)) return;
    self->damaged = true;
    jpeg->err->format_message(jpeg, self->message);
}

static bool matches(const uint8_t *bytes, size_t length)
{
    return length >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

/* Pillow's cmyk2rgb, on samples that Adobe's programs store inverted. */
static void cmyk_to_rgb(uint8_t *rgb, const uint8_t *cmyk, int width, bool inverted)
{
    uint8_t flip = inverted ? 0xff : 0;
    for (int x = 0; x < width; x++, rgb += 3, cmyk += 4) {
        int k = 255 - (cmyk[3] ^ flip);
        for (int c = 0; c < 3; c++) {
            int t = (cmyk[c] ^ flip) * k + 128;
            int value = k - (((t >> 8) + t) >> 8);
            rgb[c] = (uint8_t)(value < 0 ? 0 : value);
        }
    }
}

static void read_rows(struct reader *self, struct picture *picture)
{
    struct jpeg_decompress_struct *jpeg = &self->jpeg;
    bool cmyk = jpeg->out_color_space == JCS_CMYK;
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *to = picture->rgb + (size_t)jpeg->output_scanline * (size_t)picture->width * 3;
        JSAMPROW row = cmyk ? self->row : to;
        if (jpeg_read_scanlines(jpeg, &row, 1) != 1) break;
        if (cmyk) cmyk_to_rgb(to, self->row, picture->width, jpeg->saw_Adobe_marker);
    }
}

/* Everything that may jump. */
static enum lt_err decode_all(struct reader *self, struct picture *picture, int64_t max_pixels)
{
    struct jpeg_decompress_struct *jpeg = &self->jpeg;
    jpeg_read_header(jpeg, TRUE);
    LT_TRY(picture_resize(picture, jpeg->image_width, jpeg->image_height, max_pixels));
    bool four = jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
    jpeg->out_color_space = four ? JCS_CMYK : JCS_RGB;
    if (four) self->row = memory_new((size_t)picture->width, 4);
    jpeg_start_decompress(jpeg);
    read_rows(self, picture);
    jpeg_finish_decompress(jpeg);
    return LT_OK;
}

static enum lt_err decode(struct picture *picture, const uint8_t *bytes, size_t length, int64_t max_pixels)
{
    struct reader *self = memory_new(1, sizeof *self);
    enum lt_err err;
    self->jpeg.err = jpeg_std_error(&self->errors);
    self->errors.error_exit = on_error;
    self->errors.emit_message = on_message;
    self->jpeg.client_data = self;
    if (setjmp(self->failed) == 0) {
        jpeg_create_decompress(&self->jpeg);
        jpeg_mem_src(&self->jpeg, bytes, length);
        err = decode_all(self, picture, max_pixels);
        if (err == LT_OK && self->damaged) err = lt_fail(LT_EDATA, "the JPEG is damaged or cut off: %s", self->message);
    } else {
        err = lt_fail(LT_EDATA, "the JPEG cannot be decoded: %s", self->message);
    }
    jpeg_destroy_decompress(&self->jpeg);
    free(self->row);
    free(self);
    return err;
}

const struct codec codec_jpeg = {.name = "JPEG", .matches = matches, .decode = decode};
