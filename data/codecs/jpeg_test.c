/* The decoder of jpeg_sequential.c against libjpeg: the same bytes from every picture that is its own, for every
 * instruction set that the processor has, and the same errors from damaged ones. */
#include "data/codecs/jpeg.h"

#include "data/base/isa.h"
#include "data/base/memory.h"
#include "data/base/rng.h"
#include "data/codecs/jpeg_sequential.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum content { NOISE, GRADIENT, BLOCKS, CONTENTS };

/* How a picture is made. */
struct recipe {
    int width, height, components, h, v, quality, restart;
    bool optimised, progressive, is_rgb;
    enum content content;
};

struct file {
    uint8_t *bytes;
    unsigned long length;
};

static struct rng rng;

static int below(int count)
{
    return (int)rng_below(&rng, (uint32_t)count);
}

static uint8_t sample(const struct recipe *recipe, int x, int y, int c)
{
    switch (recipe->content) {
    case GRADIENT: return (uint8_t)(x * (c + 1) + y * 2);
    case BLOCKS: return (x / 5 + y / 3 + c) % 3 == 0 ? (uint8_t)below(256) : 255;
    default: return (uint8_t)below(256);
    }
}

static void set_recipe(struct jpeg_compress_struct *jpeg, const struct recipe *recipe)
{
    jpeg->image_width = (JDIMENSION)recipe->width;
    jpeg->image_height = (JDIMENSION)recipe->height;
    jpeg->input_components = recipe->components;
    jpeg->in_color_space = recipe->components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(jpeg);
    if (recipe->is_rgb) jpeg_set_colorspace(jpeg, JCS_RGB);
    jpeg_set_quality(jpeg, recipe->quality, TRUE);
    jpeg->optimize_coding = recipe->optimised;
    jpeg->restart_interval = (unsigned)recipe->restart;
    jpeg->comp_info[0].h_samp_factor = recipe->h;
    jpeg->comp_info[0].v_samp_factor = recipe->v;
    if (recipe->progressive) jpeg_simple_progression(jpeg);
}

static struct file encode(const struct recipe *recipe)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct file file = {0};
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &file.bytes, &file.length);
    set_recipe(&jpeg, recipe);
    jpeg_start_compress(&jpeg, TRUE);
    uint8_t *row = memory_new((size_t)recipe->width, (size_t)recipe->components);
    for (int y = 0; y < recipe->height; y++) {
        for (int x = 0; x < recipe->width; x++)
            for (int c = 0; c < recipe->components; c++) row[x * recipe->components + c] = sample(recipe, x, y, c);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    free(row);
    return file;
}

/* By the decoder that is tested, pixels or else planes; false: it does not want it. */
static bool take(struct picture *picture, struct planes *planes, int shrink, const struct file *file, struct box part)
{
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, file->bytes, file->length);
    jpeg_read_header(&jpeg, TRUE);
    const bool taken = picture ? sequential_decode(picture, &jpeg, &part)
                               : sequential_decode_planes(planes, &jpeg, &part, shrink);
    jpeg_destroy_decompress(&jpeg);
    return taken;
}

static bool decode_own(struct picture *picture, const struct file *file, struct box part)
{
    return take(picture, NULL, 1, file, part);
}

static struct box draw_part(int height, int width)
{
    struct box part = {.height = 1 + below(height), .width = 1 + below(width)};
    part.top = below(height - part.height + 1);
    part.left = below(width - part.width + 1);
    return part;
}

static void check_part(struct picture *own, const struct file *file, const struct picture *whole, struct box part,
                       const struct recipe *recipe)
{
    const size_t row = (size_t)part.width * 3;
    const char *isa = getenv("LATHE_ISA");
    if (!decode_own(own, file, part))
        fail_msg("%s: refused: %dx%d, %dx%d, quality %d, restart %d", isa, recipe->width, recipe->height, recipe->h,
                 recipe->v, recipe->quality, recipe->restart);
    assert_int_equal(own->width, part.width);
    assert_int_equal(own->height, part.height);
    for (int y = 0; y < part.height; y++) {
        const uint8_t *expected = whole->rgb + ((size_t)(part.top + y) * (size_t)whole->width + (size_t)part.left) * 3;
        if (memcmp(own->rgb + (size_t)y * row, expected, row) != 0)
            fail_msg("%s: row %d of the part %d %d %d %d differs: %dx%d, %dx%d, quality %d, restart %d, content %d",
                     isa, y, part.top, part.left, part.height, part.width, recipe->width, recipe->height, recipe->h,
                     recipe->v, recipe->quality, recipe->restart, recipe->content);
    }
}

/* A picture and parts of it, on every instruction set. */
static void check_recipe(const struct recipe *recipe, int parts)
{
    static struct picture whole, own; /* kept, as a loader's worker keeps it */
    struct file file = encode(recipe);
    const struct box all = {.height = recipe->height, .width = recipe->width};
    assert_int_equal(jpeg_decode_by_library(&whole, file.bytes, file.length, all), LT_OK);
    for (int i = 0; i < ISA_COUNT; i++) {
        enum isa isa;
        setenv("LATHE_ISA", isa_name((enum isa)i), 1);
        if (isa_choose(&isa) != LT_OK) continue;
        check_part(&own, &file, &whole, all, recipe);
        for (int part = 0; part < parts; part++)
            check_part(&own, &file, &whole, draw_part(recipe->height, recipe->width), recipe);
    }
    unsetenv("LATHE_ISA");
    free(file.bytes);
}

static const struct {
    int components, h, v;
} samplings[] = {{1, 1, 1}, {3, 1, 1}, {3, 2, 1}, {3, 2, 2}, {3, 1, 2}, {3, 4, 1}, {3, 4, 2}};

enum { SAMPLINGS = sizeof samplings / sizeof *samplings };

static struct recipe draw_recipe(int sampling, int width, int height, int quality)
{
    static const int restarts[] = {0, 0, 1, 2, 3, 7, 11};
    return (struct recipe){.width = width,
                           .height = height,
                           .components = samplings[sampling].components,
                           .h = samplings[sampling].h,
                           .v = samplings[sampling].v,
                           .quality = quality,
                           .restart = restarts[below(7)],
                           .optimised = below(2),
                           .content = (enum content)below(CONTENTS)};
}

static void small_pictures_are_libjpegs(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1},   {2, 1},   {3, 5},   {4, 4},   {5, 3},   {8, 8},   {9, 2},
                                   {16, 16}, {17, 33}, {31, 32}, {70, 53}, {64, 40}, {131, 18}},
                     qualities[] = {1, 7, 30, 50, 75, 90, 95, 100};
    for (int s = 0; s < SAMPLINGS; s++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
            for (size_t q = 0; q < sizeof qualities / sizeof *qualities; q++) {
                const struct recipe recipe = draw_recipe(s, sizes[i][0], sizes[i][1], qualities[q]);
                check_recipe(&recipe, 6);
            }
}

static void large_pictures_are_libjpegs(void **state)
{
    (void)state;
    for (int s = 0; s < SAMPLINGS; s++) {
        const struct recipe recipe = draw_recipe(s, 701, 397, 60 + below(40));
        check_recipe(&recipe, 8);
    }
}

static void what_is_unusual_is_left_to_libjpeg(void **state)
{
    (void)state;
    const struct recipe base = {.width = 20, .height = 20, .components = 3, .h = 2, .v = 2, .quality = 80};
    struct recipe recipe[2] = {base, base};
    recipe[0].progressive = true;
    recipe[1].is_rgb = true;
    for (int i = 0; i < 2; i++) {
        struct picture picture = {0};
        const struct box all = {.height = 20, .width = 20};
        struct file file = encode(&recipe[i]);
        assert_false(decode_own(&picture, &file, all));
        assert_int_equal(codec_jpeg.decode(&picture, file.bytes, file.length, all), LT_OK);
        picture_release(&picture);
        free(file.bytes);
    }
}

/* ---- planes ---- */

static int at(const struct plane *plane, int x, int y)
{
    assert_true(x >= 0 && x < plane->width && y >= 0 && y < plane->height);
    return plane->pixels[(size_t)y * plane->stride + (size_t)x];
}

/* jdcolor.c's formulas on the planes of a 4:4:4 picture give libjpeg's colours. */
static void check_colours(const struct planes *planes, const struct picture *whole, struct box part)
{
    const struct plane *plane = planes->plane;
    for (int y = part.top; y < part.top + part.height; y++)
        for (int x = part.left; x < part.left + part.width; x++) {
            const int px = x - plane->left, py = y - plane->top, luma = at(&plane[0], px, py),
                      cb = at(&plane[1], px, py) - 128, cr = at(&plane[2], px, py) - 128,
                      rgb[3] = {luma + ((91881 * cr + 32768) >> 16), luma + ((-22554 * cb - 46802 * cr + 32768) >> 16),
                                luma + ((116130 * cb + 32768) >> 16)};
            for (int c = 0; c < 3; c++)
                assert_int_equal(rgb[c] < 0     ? 0
                                 : rgb[c] > 255 ? 255
                                                : rgb[c],
                                 whole->rgb[((size_t)y * (size_t)whole->width + (size_t)x) * 3 + (size_t)c]);
        }
}

/* Smaller planes are means of the full ones; those at the ends have more than the picture. */
static void check_means(const struct planes *small, const struct planes *full, int by)
{
    for (int c = 0; c < 3; c++) {
        const struct plane *to = &small->plane[c], *from = &full->plane[c];
        assert_int_equal(to->left, from->left / by);
        assert_int_equal(to->top, from->top / by);
        assert_int_equal(to->width, (from->width + by - 1) / by);
        assert_int_equal(to->height, (from->height + by - 1) / by);
        for (int y = 0; y < from->height / by; y++)
            for (int x = 0; x < from->width / by; x++) {
                int sum = by * by / 2;
                for (int i = 0; i < by * by; i++) sum += at(from, x * by + i % by, y * by + i / by);
                assert_int_equal(at(to, x, y), sum / (by * by));
            }
    }
}

static void planes_are_what_colours_are_made_of(void **state)
{
    (void)state;
    for (int s = 1; s < SAMPLINGS; s++)
        for (int round = 0; round < 6; round++) {
            static struct picture whole;
            static struct planes full, small;
            const struct recipe recipe = draw_recipe(s, 30 + below(300), 30 + below(90), 60 + below(40));
            const struct box all = {.height = recipe.height, .width = recipe.width};
            const struct box part = draw_part(recipe.height, recipe.width);
            struct file file = encode(&recipe);
            assert_int_equal(jpeg_decode_by_library(&whole, file.bytes, file.length, all), LT_OK);
            assert_true(take(NULL, &full, 1, &file, part));
            if (recipe.h == 1 && recipe.v == 1) check_colours(&full, &whole, part);
            for (int by = 2; by <= 8; by *= 2) {
                assert_true(take(NULL, &small, by, &file, part));
                check_means(&small, &full, by);
            }
            free(file.bytes);
        }
}

/* ---- damage ---- */

/* The codec and libjpeg alone find the same in a file, be it good or bad. */
static bool check_file(const uint8_t *bytes, size_t length)
{
    enum { LIMIT = 1 << 16 };
    static struct picture one, other;
    int height, width;
    if (picture_size(&height, &width, bytes, length, LIMIT) != LT_OK) return false;
    const struct box part = below(2) ? draw_part(height, width) : (struct box){0, 0, height, width};
    char said[256] = "";
    const enum lt_err expected = jpeg_decode_by_library(&one, bytes, length, part);
    if (expected != LT_OK) strncpy(said, lt_message(), sizeof said - 1);
    assert_int_equal(codec_jpeg.decode(&other, bytes, length, part), expected);
    if (expected != LT_OK)
        assert_string_equal(lt_message(), said);
    else
        assert_memory_equal(one.rgb, other.rgb, (size_t)part.height * (size_t)part.width * 3);
    return expected == LT_OK;
}

static void damage_is_found_as_libjpeg_finds_it(void **state)
{
    (void)state;
    int good = 0, bad = 0;
    for (int s = 0; s < SAMPLINGS; s++) {
        struct recipe recipe = draw_recipe(s, 37, 41, 85);
        recipe.content = BLOCKS;
        recipe.restart = s % 2 * 3;
        struct file file = encode(&recipe);
        for (size_t length = 0; length < file.length; length++) check_file(file.bytes, length) ? good++ : bad++;
        for (size_t bit = 0; bit < file.length * 8; bit++) {
            file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            check_file(file.bytes, file.length) ? good++ : bad++;
            file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        free(file.bytes);
    }
    assert_true(good > 1000); /* wrong pixels, but nothing to notice */
    assert_true(bad > 1000);
}

int main(void)
{
    rng = rng_at(rng_key(3, RNG_TEST), 0, 0, 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_pictures_are_libjpegs),         cmocka_unit_test(large_pictures_are_libjpegs),
        cmocka_unit_test(planes_are_what_colours_are_made_of), cmocka_unit_test(what_is_unusual_is_left_to_libjpeg),
        cmocka_unit_test(damage_is_found_as_libjpeg_finds_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
