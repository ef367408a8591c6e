#include "data/digits/unpack.h"

#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/base/text.h"

#include <png.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The sheet as make.py lays it out: for each class a band of ROWS rows of tiles, filled from the left; a tile without
 * ink ends the class. */
enum { CLASSES = 10, ROWS = 3, COLUMNS = 61, SIDE = 8, WIDTH = COLUMNS * SIDE, HEIGHT = CLASSES * ROWS * SIDE };

extern const unsigned char embedded_digits_png[], embedded_digits_yaml[];
extern const size_t embedded_digits_png_length, embedded_digits_yaml_length;

/* pixels: [HEIGHT, WIDTH] grey. The bytes are part of the program, so that a failure is the program's. */
static void read_sheet(uint8_t *pixels)
{
    png_image png = {.version = PNG_IMAGE_VERSION};
    lt_assert(png_image_begin_read_from_memory(&png, embedded_digits_png, embedded_digits_png_length));
    lt_assert(png.width == WIDTH && png.height == HEIGHT);
    png.format = PNG_FORMAT_GRAY;
    lt_assert(png_image_finish_read(&png, NULL, pixels, WIDTH, NULL));
}

static bool has_ink(const uint8_t *tile)
{
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            if (tile[y * WIDTH + x] != 0) return true;
    return false;
}

static enum lt_err write_picture(const char *path, const uint8_t *tile)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) return lt_fail_errno("make", path);
    png_image png = {.version = PNG_IMAGE_VERSION, .width = SIDE, .height = SIDE, .format = PNG_FORMAT_GRAY};
    bool good = png_image_write_to_stdio(&png, file, 0, tile, WIDTH, NULL) != 0;
    good = fclose(file) == 0 && good;
    return good ? LT_OK : lt_fail_errno("write", path);
}

static enum lt_err write_class(const char *folder, int class_index, const uint8_t *pixels)
{
    struct text path = {0};
    text_add(&path, "%s/%d", folder, class_index);
    enum lt_err err = path_make_folder(text_get(&path));
    for (int number = 0; err == LT_OK && number < ROWS * COLUMNS; number++) {
        const int row = class_index * ROWS + number / COLUMNS, column = number % COLUMNS;
        const uint8_t *tile = pixels + (size_t)row * SIDE * WIDTH + (size_t)column * SIDE;
        if (!has_ink(tile)) break;
        text_clear(&path);
        text_add(&path, "%s/%d/%04d.png", folder, class_index, number + 1);
        err = write_picture(text_get(&path), tile);
    }
    text_release(&path);
    return err;
}

enum lt_err digits_unpack(const char *folder, bool *written)
{
    *written = false;
    if (path_is_folder(folder)) return LT_OK;
    struct text partial = {0};
    text_add(&partial, "%s.partial", folder);
    uint8_t *pixels = memory_new((size_t)WIDTH * HEIGHT, 1);
    read_sheet(pixels);
    enum lt_err err = LT_OK;
    for (int c = 0; err == LT_OK && c < CLASSES; c++) err = write_class(text_get(&partial), c, pixels);
    if (err == LT_OK && rename(text_get(&partial), folder) != 0)
        err = lt_fail_errno("rename the unpacked pictures to", folder);
    *written = err == LT_OK;
    free(pixels);
    text_release(&partial);
    return err;
}

const char *digits_configuration(size_t *length)
{
    *length = embedded_digits_yaml_length;
    return (const char *)embedded_digits_yaml;
}
