/* JPEG: libjpeg-turbo reads headers, and decodes what jpeg_sequential.c leaves to it, with the accurate integer DCT and
 * smooth chroma upsampling, its defaults and Pillow's; or gives the planes as they are stored. */
#include "data/codecs/jpeg.h"

#include "data/base/memory.h"
#include "data/codecs/jpeg_sequential.h"

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
    uint8_t *row; /* one row as libjpeg gives it */
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

static bool has_four(const struct jpeg_decompress_struct *jpeg)
{
    return jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK;
}

/* What is wanted of a file: a part as pixels, or as planes. */
struct request {
    enum lt_err (*read)(struct reader *self, const struct request *request); /* everything that may jump */
    struct picture *picture;
    struct planes *planes;
    struct box part;
    int shrink;
    bool by_library; /* and not by the decoder of jpeg_sequential.h */
};

/* Columns that are decoded beside those that are wanted: smooth upsampling looks at its neighbours. */
enum { MARGIN = 2 };

/* Where the rows that libjpeg gives begin; cuts them to about the part's columns, where that is possible. */
static JDIMENSION cut_columns(struct jpeg_decompress_struct *jpeg, const struct box *part)
{
    if (has_four(jpeg) || part->width == (int)jpeg->output_width) return 0;
    const int end = part->left + part->width + MARGIN;
    JDIMENSION left = part->left > MARGIN ? (JDIMENSION)(part->left - MARGIN) : 0,
               width = (end < (int)jpeg->output_width ? (JDIMENSION)end : jpeg->output_width) - left;
    jpeg_crop_scanline(jpeg, &left, &width);
    return left;
}

static void read_rows(struct reader *self, struct picture *picture, const struct box *part)
{
    struct jpeg_decompress_struct *jpeg = &self->jpeg;
    const bool four = has_four(jpeg);
    const size_t left = (size_t)((JDIMENSION)part->left - cut_columns(jpeg, part)), width = (size_t)part->width;
    self->row = memory_new(jpeg->output_width, four ? 4 : 3);
    if (part->top > 0) jpeg_skip_scanlines(jpeg, (JDIMENSION)part->top);
    for (int y = 0; y < part->height; y++) {
        uint8_t *to = picture->rgb + (size_t)y * width * 3;
        const bool direct = !four && width == jpeg->output_width;
        JSAMPROW row = direct ? to : self->row;
        if (jpeg_read_scanlines(jpeg, &row, 1) != 1) break;
        if (four)
            cmyk_to_rgb(to, self->row + left * 4, part->width, jpeg->saw_Adobe_marker);
        else if (!direct)
            memcpy(to, self->row + left * 3, width * 3);
    }
}

/* Is there the marker of the end behind what was read? Rows behind the part are not decoded, so a file that is cut off
 * shows only here. Some writers put a few bytes behind the marker. */
static bool has_end(const struct jpeg_decompress_struct *jpeg, const uint8_t *bytes, size_t length)
{
    const size_t left = jpeg->src->bytes_in_buffer, read = length - (left < length ? left : length);
    const size_t first = read > 2 ? read - 2 : 0; /* the marker itself may have been read */
    for (size_t i = length; i-- > first + 1;)
        if (bytes[i] == 0xd9 && bytes[i - 1] == 0xff) return true;
    return false;
}

static enum lt_err read_part(struct reader *self, const struct request *request)
{
    struct picture *picture = request->picture;
    const struct box *part = &request->part;
    struct jpeg_decompress_struct *jpeg = &self->jpeg;
    jpeg_read_header(jpeg, TRUE);
    if (!request->by_library && sequential_decode(picture, jpeg, part)) return LT_OK;
    LT_TRY(picture_resize(picture, part->height, part->width));
    jpeg->out_color_space = has_four(jpeg) ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(jpeg);
    read_rows(self, picture, part);
    if (jpeg->output_scanline == jpeg->output_height) jpeg_finish_decompress(jpeg);
    return LT_OK;
}

/* ---- planes ---- */

#if JPEG_LIB_VERSION >= 70
#define SCALED_SIZE(of)       ((of)->DCT_h_scaled_size)
#define LEAST_SCALED_SIZE(of) ((of)->min_DCT_h_scaled_size)
#else
#define SCALED_SIZE(of)       ((of)->DCT_scaled_size)
#define LEAST_SCALED_SIZE(of) ((of)->min_DCT_scaled_size)
#endif

enum { COMPONENT_ROWS = MAX_SAMP_FACTOR * DCTSIZE };

/* libjpeg gives rows in groups: this many of a component at a time. */
static int rows_of(const jpeg_component_info *component)
{
    return component->v_samp_factor * SCALED_SIZE(component);
}

/* The planes' sizes: all columns, and the groups first … end - 1. */
static void lay_out(struct planes *planes, const struct jpeg_decompress_struct *jpeg, int first, int end)
{
    for (int i = 0; i < 3; i++) {
        const jpeg_component_info *component = &jpeg->comp_info[i];
        const int size = SCALED_SIZE(component), rows = rows_of(component);
        planes->plane[i] = (struct plane){
            .stride = (size_t)component->width_in_blocks * (size_t)size,
            .top = first * rows,
            .width = (int)component->downsampled_width,
            .height = (end - first) * rows,
            .across = (double)(jpeg->max_h_samp_factor * DCTSIZE) / (component->h_samp_factor * size),
            .down = (double)(jpeg->max_v_samp_factor * DCTSIZE) / rows,
        };
    }
}

/* Those rows that the picture has: the last group may have more. */
static void cut_rows(struct planes *planes, const struct jpeg_decompress_struct *jpeg)
{
    for (int i = 0; i < 3; i++) {
        struct plane *plane = &planes->plane[i];
        const int rows = (int)jpeg->comp_info[i].downsampled_height - plane->top;
        if (plane->height > rows) plane->height = rows;
    }
}

/* Groups before `first` are read, so that those behind them can be, but not transformed, and written nowhere. */
static void read_groups(struct jpeg_decompress_struct *jpeg, const struct planes *planes, int first, int end)
{
    const JDIMENSION lines = (JDIMENSION)(jpeg->max_v_samp_factor * LEAST_SCALED_SIZE(jpeg));
    JSAMPROW row[3][COMPONENT_ROWS];
    JSAMPARRAY component[3] = {row[0], row[1], row[2]};
    for (int group = 0; group < end; group++) {
        for (int i = 0; i < 3; i++) {
            const struct plane *plane = &planes->plane[i];
            const int rows = rows_of(&jpeg->comp_info[i]), from = group < first ? 0 : (group - first) * rows;
            jpeg->comp_info[i].component_needed = group >= first;
            for (int y = 0; y < rows; y++) row[i][y] = plane->pixels + (size_t)(from + y) * plane->stride;
        }
        if (jpeg_read_raw_data(jpeg, component, lines) != lines) return;
    }
}

static enum lt_err read_planes(struct reader *self, const struct request *request)
{
    struct planes *planes = request->planes;
    const struct box *part = &request->part;
    struct jpeg_decompress_struct *jpeg = &self->jpeg;
    jpeg_read_header(jpeg, TRUE);
    if (jpeg->jpeg_color_space != JCS_YCbCr || jpeg->num_components != 3) return LT_OK;
    if (sequential_decode_planes(planes, jpeg, part, request->shrink)) return LT_OK;
    jpeg->out_color_space = JCS_YCbCr;
    jpeg->raw_data_out = TRUE;
    jpeg->scale_num = 1;
    jpeg->scale_denom = (unsigned)request->shrink;
    jpeg_start_decompress(jpeg);
    const int lines = jpeg->max_v_samp_factor * DCTSIZE; /* of the picture */
    const int first = part->top / lines, end = (part->top + part->height + lines - 1) / lines;
    lay_out(planes, jpeg, first, end);
    LT_TRY(planes_resize(planes));
    read_groups(jpeg, planes, first, end);
    cut_rows(planes, jpeg);
    return LT_OK;
}

/* ---- the codec ---- */

static struct reader *open_reader(const uint8_t *bytes, size_t length)
{
    struct reader *self = memory_new(1, sizeof *self);
    self->jpeg.err = jpeg_std_error(&self->errors);
    self->errors.error_exit = on_error;
    self->errors.emit_message = on_message;
    self->jpeg.client_data = self;
    if (setjmp(self->failed) == 0) {
        jpeg_create_decompress(&self->jpeg);
        jpeg_mem_src(&self->jpeg, bytes, length);
    }
    return self;
}

static void close_reader(struct reader *self)
{
    jpeg_destroy_decompress(&self->jpeg);
    free(self->row);
    free(self);
}

static enum lt_err fulfil(const struct request *request, const uint8_t *bytes, size_t length)
{
    struct reader *self = open_reader(bytes, length);
    enum lt_err err;
    if (setjmp(self->failed) == 0) {
        err = request->read(self, request);
        if (err == LT_OK && self->damaged) err = lt_fail(LT_EDATA, "the JPEG is damaged or cut off: %s", self->message);
        if (err == LT_OK && !has_end(&self->jpeg, bytes, length))
            err = lt_fail(LT_EDATA, "the JPEG is damaged or cut off: it has no end");
    } else {
        err = lt_fail(LT_EDATA, "the JPEG cannot be decoded: %s", self->message);
    }
    close_reader(self);
    return err;
}

static enum lt_err decode(struct picture *picture, const uint8_t *bytes, size_t length, struct box part)
{
    return fulfil(&(struct request){.read = read_part, .picture = picture, .part = part}, bytes, length);
}

enum lt_err jpeg_decode_by_library(struct picture *picture, const uint8_t *bytes, size_t length, struct box part)
{
    return fulfil(&(struct request){.read = read_part, .picture = picture, .part = part, .by_library = true}, bytes,
                  length);
}

static enum lt_err decode_to_planes(struct planes *planes, const uint8_t *bytes, size_t length, struct box part,
                                    int shrink)
{
    return fulfil(&(struct request){.read = read_planes, .planes = planes, .part = part, .shrink = shrink}, bytes,
                  length);
}

static enum lt_err size(int64_t *height, int64_t *width, const uint8_t *bytes, size_t length)
{
    struct reader *self = open_reader(bytes, length);
    enum lt_err err = LT_OK;
    if (setjmp(self->failed) == 0) {
        jpeg_read_header(&self->jpeg, TRUE);
        *height = self->jpeg.image_height;
        *width = self->jpeg.image_width;
    } else {
        err = lt_fail(LT_EDATA, "the JPEG cannot be decoded: %s", self->message);
    }
    close_reader(self);
    return err;
}

const struct codec codec_jpeg = {
    .name = "JPEG", .matches = matches, .size = size, .decode = decode, .planes = decode_to_planes};
