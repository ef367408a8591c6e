/* Pixels equal Pillow's: every kind of file, crops, scalings, jitters (tests/golden/pixels.py). */
#include "data/codecs/codec.h"
#include "data/data.h"
#include "data/transforms/pixels.h"
#include "data/transforms/transform.h"

#include "data/base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FILES_MAX = 64, LINE_MAX_BYTES = 1 << 20 };

static struct {
    char name[64];
    struct picture picture;
    uint8_t *bytes;
    size_t length;
} files[FILES_MAX];
static int file_count;

static uint64_t fnv(uint64_t value, const void *data, size_t length)
{
    for (size_t i = 0; i < length; i++) value = (value ^ ((const uint8_t *)data)[i]) * 0x100000001B3u;
    return value;
}

static uint64_t hash_image(const struct image *image)
{
    uint64_t value = 0xCBF29CE484222325u;
    for (int y = 0; y < image->height; y++)
        value = fnv(value, image->pixels + (size_t)y * image->stride, (size_t)image->width * 3);
    return value;
}

static size_t unhex(uint8_t *bytes, const char *hex)
{
    size_t n = 0;
    for (; hex[0] && hex[0] != '\n' && hex[0] != '-'; hex += 2) {
        unsigned byte;
        assert_int_equal(sscanf(hex, "%2x", &byte), 1);
        bytes[n++] = (uint8_t)byte;
    }
    return n;
}

static struct work start(const char *name)
{
    struct work work = {.pillow = 13};
    for (int i = 0; i < file_count; i++)
        if (strcmp(files[i].name, name) == 0)
            work_set(&work, files[i].picture.rgb, files[i].picture.width, files[i].picture.height);
    assert_non_null(work.image.pixels);
    return work;
}

static void check(struct work *work, uint64_t expected, const char *line)
{
    work_settle(work);
    if (hash_image(&work->image) != expected) fail_msg("other pixels than Pillow's: %.80s", line);
    work_release(work);
}

static void check_file(const char *line)
{
    int width, height, at;
    uint64_t hash;
    assert_int_equal(
        sscanf(line, "file %63s %d %d %" SCNx64 " %n", files[file_count].name, &width, &height, &hash, &at), 4);
    struct picture *picture = &files[file_count++].picture;
    uint8_t *bytes = files[file_count - 1].bytes = memory_new(strlen(line), 1);
    const size_t length = files[file_count - 1].length = unhex(bytes, line + at);
    if (picture_decode(picture, bytes, length, PICTURE_MAX_PIXELS) != LT_OK) fail_msg("%.40s: %s", line, lt_message());
    assert_int_equal(picture->width, width);
    assert_int_equal(picture->height, height);
    struct work work = {0};
    work_set(&work, picture->rgb, width, height);
    check(&work, hash, line);
}

/* A sentence for each, and no crash, no large allocation. */
static void check_bad(const char *line)
{
    char name[64];
    int at;
    struct picture picture = {0};
    uint8_t *bytes = memory_new(strlen(line), 1);
    assert_int_equal(sscanf(line, "bad %63s %n", name, &at), 1);
    enum lt_err err = picture_decode(&picture, bytes, unhex(bytes, line + at), PICTURE_MAX_PIXELS);
    if (err != LT_EDATA) fail_msg("%s was taken for a good picture", name);
    if (strstr(name, "65000"))
        assert_non_null(strstr(lt_message(), "its size 65000x65000 is more than the 178956970 pixels allowed"));
    if (strcmp(name, "gif") == 0)
        assert_string_equal(lt_message(), "unsupported format GIF; convert it to JPEG or PNG");
    assert_true(picture.capacity < 1 << 20);
    picture_release(&picture);
    free(bytes);
}

static void check_resize(const char *line)
{
    char name[64];
    int top, left, h, w, out_h, out_w;
    uint64_t hash;
    assert_int_equal(
        sscanf(line, "resize %63s %d %d %d %d %d %d %" SCNx64, name, &top, &left, &h, &w, &out_h, &out_w, &hash), 8);
    struct work work = start(name);
    image_crop(&work, top, left, h, w);
    image_resize(&work, out_h, out_w);
    check(&work, hash, line);
}

static void check_jitter(const char *line)
{
    char name[64];
    int kind;
    double factor;
    uint64_t hash;
    assert_int_equal(sscanf(line, "jitter %63s %d %lf %" SCNx64, name, &kind, &factor, &hash), 4);
    struct work work = start(name);
    image_jitter(&work, kind, factor);
    check(&work, hash, line);
}

static void check_flip(const char *line)
{
    char name[64];
    uint64_t hash;
    assert_int_equal(sscanf(line, "flip %63s %" SCNx64, name, &hash), 2);
    struct work work = start(name);
    image_flip(&work);
    check(&work, hash, line);
}

static void check_split(const char *line)
{
    int64_t n, seed, train, got;
    uint64_t hash;
    assert_int_equal(sscanf(line, "split %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNx64, &n, &seed, &train, &hash), 4);
    int64_t *index = memory_new((size_t)n, sizeof *index);
    split_indices(index, &got, n, 0.8, (uint64_t)seed);
    assert_int_equal(got, train);
    assert_true(fnv(0xCBF29CE484222325u, index, (size_t)n * sizeof *index) == hash);
    free(index);
}

static void everything_is_pillows(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        void (*check)(const char *line);
        int least;
    } kinds[] = {{"file ", check_file, 29},      {"bad ", check_bad, 12},  {"resize ", check_resize, 100},
                 {"jitter ", check_jitter, 100}, {"flip ", check_flip, 1}, {"split ", check_split, 4}};
    int seen[6] = {0};
    char path[4096], *line = memory_new(LINE_MAX_BYTES, 1);
    const char *root = getenv("LATHE_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/tests/golden/expected/pixels.txt", root ? root : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, LINE_MAX_BYTES, file))
        for (int k = 0; k < 6; k++) {
            if (strncmp(line, kinds[k].word, strlen(kinds[k].word)) != 0) continue;
            kinds[k].check(line);
            seen[k]++;
        }
    for (int k = 0; k < 6; k++) assert_true(seen[k] >= kinds[k].least);
    fclose(file);
    free(line);
}

/* ---- what waits: parts of pictures decoded by themselves, and only the wanted part of a scaling ---- */

static int below(struct rng *rng, int count)
{
    return (int)rng_below(rng, (uint32_t)count);
}

static struct box draw_part(struct rng *rng, int height, int width)
{
    struct box part = {.height = 1 + below(rng, height), .width = 1 + below(rng, width)};
    part.top = below(rng, height - part.height + 1);
    part.left = below(rng, width - part.width + 1);
    return part;
}

static enum lt_err decode_file(void *context, struct box part, const uint8_t **rgb)
{
    const int i = *(const int *)context;
    static struct picture picture; /* the test ends with the process */
    LT_TRY(picture_decode_part(&picture, files[i].bytes, files[i].length, part));
    *rgb = picture.rgb;
    return LT_OK;
}

/* The same steps on an open file and on its decoded pixels, done at once. */
static void check_steps(int i, struct rng *rng)
{
    const struct picture *whole = &files[i].picture;
    struct work late = {.pillow = 13}, now = {.pillow = 13};
    const int kind = below(rng, 3);
    work_open(&late, whole->height, whole->width, (struct source){.decode = decode_file, .context = &i});
    work_set(&now, whole->rgb, whole->width, whole->height);
    for (int step = 0; step < 4; step++) {
        if (step % 2 == 0) {
            const struct box part = draw_part(rng, now.image.height, now.image.width);
            image_crop(&late, part.top, part.left, part.height, part.width);
            image_crop(&now, part.top, part.left, part.height, part.width);
        } else {
            const int height = 1 + below(rng, 40), width = 1 + below(rng, 40);
            image_resize(&late, height, width);
            image_resize(&now, height, width);
        }
        work_settle(&now);
    }
    image_flip(&late), image_flip(&now);
    image_jitter(&late, kind, 1.3), image_jitter(&now, kind, 1.3);
    assert_int_equal(late.err, LT_OK);
    if (hash_image(&late.image) != hash_image(&now.image)) fail_msg("%s: other pixels", files[i].name);
    work_release(&late), work_release(&now);
}

static void check_part(int i, struct rng *rng)
{
    const struct picture *whole = &files[i].picture;
    const struct box part = draw_part(rng, whole->height, whole->width);
    const uint8_t *rgb = NULL;
    assert_int_equal(decode_file(&i, part, &rgb), LT_OK);
    for (int y = 0; y < part.height; y++)
        if (memcmp(rgb + (size_t)y * (size_t)part.width * 3,
                   whole->rgb + ((size_t)(part.top + y) * (size_t)whole->width + (size_t)part.left) * 3,
                   (size_t)part.width * 3) != 0)
            fail_msg("%s: row %d of the part %d %d %d %d is not the whole's", files[i].name, y, part.top, part.left,
                     part.height, part.width);
}

static void parts_are_parts_of_the_whole(void **state)
{
    (void)state;
    struct rng rng = rng_at(rng_key(1, RNG_TEST), 0, 0, 0);
    assert_true(file_count > 0);
    for (int i = 0; i < file_count; i++)
        for (int round = 0; round < 50; round++) {
            check_part(i, &rng);
            check_steps(i, &rng);
        }
}

/* A part that is whole does not hide that the file is cut off, nor does the end of a thumbnail in its header. */
static void a_cut_file_is_bad(void **state)
{
    (void)state;
    static const uint8_t thumbnail[] = {0xff, 0xe1, 0, 6, 1, 2, 0xff, 0xd9}; /* an APP1 segment */
    const struct box corner = {0, 0, 1, 1};
    for (int i = 0; i < file_count; i++) {
        struct picture picture = {0};
        struct planes planes = {0};
        if (files[i].bytes[0] != 0xff) continue; /* JPEG */
        const size_t length = files[i].length + sizeof thumbnail;
        uint8_t *bytes = memory_new(length, 1);
        memcpy(bytes, files[i].bytes, 2);
        memcpy(bytes + 2, thumbnail, sizeof thumbnail);
        memcpy(bytes + 2 + sizeof thumbnail, files[i].bytes + 2, files[i].length - 2);
        assert_int_equal(picture_decode_part(&picture, bytes, length, corner), LT_OK);
        assert_int_equal(picture_decode_part(&picture, bytes, length - 2, corner), LT_EDATA);
        assert_int_equal(picture_decode_planes(&planes, bytes, length, corner, 1, 1), LT_OK);
        assert_int_equal(picture_decode_planes(&planes, bytes, length - 2, corner, 1, 1), LT_EDATA);
        planes_release(&planes);
        free(bytes);
        picture_release(&picture);
    }
}

static enum lt_err decode_file_planes(void *context, struct box part, int height, int width, const struct planes **out)
{
    const int i = *(const int *)context;
    static struct planes planes;
    *out = &planes;
    return picture_decode_planes(&planes, files[i].bytes, files[i].length, part, height, width);
}

/* Compares two ways to the same picture: adds the mean error to *bias, returns the PSNR in dB. */
static double psnr(const struct image *a, const struct image *b, double *bias)
{
    double squares = 1e-9, sum = 0;
    const double count = (double)a->height * a->width * 3;
    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < a->width * 3; x++) {
            const double error = (double)a->pixels[(size_t)y * a->stride + (size_t)x] -
                                 (double)b->pixels[(size_t)y * b->stride + (size_t)x];
            sum += error;
            squares += error * error;
        }
    *bias += sum / count;
    return 10 * log10(255 * 255 * count / squares);
}

static double psnr_of_fast(int i, struct box part, int height, int width, double *bias)
{
    const struct picture *whole = &files[i].picture;
    struct work fast = {.pillow = 13}, exact = {.pillow = 13};
    work_open(&fast, whole->height, whole->width,
              (struct source){.decode = decode_file, .planes = decode_file_planes, .context = &i});
    work_set(&exact, whole->rgb, whole->width, whole->height);
    struct work *both[] = {&fast, &exact};
    for (int k = 0; k < 2; k++) {
        image_crop(both[k], part.top, part.left, part.height, part.width);
        image_resize(both[k], height, width);
        if (height > 8 && width > 8) image_crop(both[k], 2, 3, height - 4, width - 5);
        work_settle(both[k]);
    }
    assert_int_equal(fast.err, LT_OK);
    const double db = psnr(&fast.image, &exact.image, bias);
    work_release(&fast), work_release(&exact);
    return db;
}

/* Bounds for photographs; scenes with more colour than those are a little worse, and PNG has no planes. */
static void fast_pixels_are_near_the_exact_ones(void **state)
{
    (void)state;
    enum { ROUNDS = 100 };
    struct rng rng = rng_at(rng_key(2, RNG_TEST), 0, 0, 0);
    for (int i = 0; i < file_count; i++) {
        const bool is_photo = strncmp(files[i].name, "photo", 5) == 0;
        double least = 1e9, sum = 0, bias = 0;
        for (int round = 0; round < ROUNDS; round++) {
            const struct box part = draw_part(&rng, files[i].picture.height, files[i].picture.width);
            const double db = psnr_of_fast(i, part, 1 + below(&rng, 80), 1 + below(&rng, 80), &bias);
            sum += db;
            if (db < least) least = db;
        }
        if (is_photo) assert_true(least >= 32);
        assert_true(sum / ROUNDS >= (is_photo ? 45 : files[i].bytes[0] == 0xff ? 35 : 100));
        assert_true(fabs(bias / ROUNDS) <= 0.25);
    }
}

/* ---- sums, of any number of taps ---- */

enum { TAPS_MOST = 300, SIDE = 320 };

/* Random, all the same or nearly all on one; 2^22 together. */
static void draw_weights(int32_t *weight, int taps, struct rng *rng)
{
    double share[TAPS_MOST], sum = 0;
    const int kind = below(rng, 3);
    for (int k = 0; k < taps; k++) {
        share[k] = kind == 0 ? 1 : kind == 1 ? 1 + below(rng, 1000) : k == taps / 2 ? 1e6 : 1;
        sum += share[k];
    }
    for (int k = 0; k < taps; k++) weight[k] = (int32_t)(0.5 + share[k] / sum * (1 << FILTER_PRECISION));
}

static struct filter draw_filter(int32_t *weight, int *bound, int length, struct rng *rng)
{
    const int most = below(rng, 2) && length > 6 ? 6
                     : length < TAPS_MOST        ? length
                                                 : TAPS_MOST,
              taps = 1 + below(rng, most), count = 1 + below(rng, 40);
    for (int x = 0; x < count; x++) {
        bound[2 * x + 1] = 1 + below(rng, taps);
        bound[2 * x] = below(rng, length - bound[2 * x + 1] + 1);
        draw_weights(weight + (ptrdiff_t)x * taps, bound[2 * x + 1], rng);
    }
    return (struct filter){weight, bound, taps, count};
}

static uint8_t sum_of(const struct filter *filter, int x, const uint8_t *in, size_t apart)
{
    int32_t sum = 1 << (FILTER_PRECISION - 1);
    for (int k = 0; k < filter->bound[2 * x + 1]; k++)
        sum += filter->weight[x * filter->taps + k] * in[(size_t)(filter->bound[2 * x] + k) * apart];
    sum >>= FILTER_PRECISION;
    return (uint8_t)(sum > 255 ? 255 : sum);
}

/* Both passes against the sums' definition, of colours that are all random or all white. */
static void sums_are_exact(void **state)
{
    (void)state;
    static int32_t weight[40 * TAPS_MOST];
    static int bound[2 * 40];
    static uint8_t in[SIDE * SIDE * 3], out[SIDE * SIDE * 3];
    struct rng rng = rng_at(rng_key(3, RNG_TEST), 0, 0, 0);
    for (int round = 0; round < 400; round++) {
        const int channels = below(&rng, 2) ? 3 : 1, width = 1 + below(&rng, SIDE), rows = 1 + below(&rng, SIDE);
        const size_t stride = SIDE * 3, bytes = (size_t)(width * channels);
        for (size_t i = 0; i < sizeof in; i++) in[i] = round % 4 ? (uint8_t)below(&rng, 256) : 255;
        struct filter filter = draw_filter(weight, bound, width, &rng);
        void *scratch = memory_new(pixel_kernels()->scratch(width, &filter), 1);
        pixel_kernels()->horizontal(out, in, stride, width, rows, channels, &filter, scratch);
        free(scratch);
        const int across = filter.count * channels;
        for (int y = 0; y < rows; y++)
            for (int x = 0; x < across; x++)
                assert_int_equal(out[y * across + x], sum_of(&filter, x / channels,
                                                             in + (size_t)y * stride + x % channels, (size_t)channels));
        filter = draw_filter(weight, bound, rows, &rng);
        scratch = memory_new(pixel_kernels()->scratch(width, &filter), 1);
        pixel_kernels()->vertical(out, in, stride, bytes, &filter, scratch);
        free(scratch);
        for (int y = 0; y < filter.count; y++)
            for (size_t x = 0; x < bytes; x++)
                assert_int_equal(out[(size_t)y * bytes + x], sum_of(&filter, y, in + x, stride));
    }
}

static int release_files(void **state)
{
    (void)state;
    for (int i = 0; i < file_count; i++) picture_release(&files[i].picture), free(files[i].bytes);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_pillows), cmocka_unit_test(parts_are_parts_of_the_whole),
        cmocka_unit_test(a_cut_file_is_bad), cmocka_unit_test(fast_pixels_are_near_the_exact_ones),
        cmocka_unit_test(sums_are_exact)};
    return cmocka_run_group_tests(tests, NULL, release_files);
}
