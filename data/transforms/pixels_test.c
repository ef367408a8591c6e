/* Pixels equal Pillow's: every kind of file, crops, scalings, jitters (tests/golden/pixels.py). */
#include "data/codecs/codec.h"
#include "data/data.h"
#include "data/transforms/transform.h"

#include "data/base/memory.h"

#include <inttypes.h>
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
    uint8_t *bytes = memory_new(strlen(line), 1);
    if (picture_decode(picture, bytes, unhex(bytes, line + at), PICTURE_MAX_PIXELS) != LT_OK)
        fail_msg("%.40s: %s", line, lt_message());
    free(bytes);
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
    for (int i = 0; i < file_count; i++) picture_release(&files[i].picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(everything_is_pillows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
