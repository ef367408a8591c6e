/* The unpacked digits against facts of scikit-learn's copy: pictures of each class, single pixels, the sum of all ink.
 */
#include "data/digits/unpack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const int pictures_of_class[10] = {178, 182, 177, 183, 181, 182, 181, 179, 174, 180};

/* Reads an 8x8 picture; false where there is none. */
static bool read_picture(const char *folder, int digit, int number, uint8_t pixels[64])
{
    char path[256];
    snprintf(path, sizeof path, "%s/%d/%04d.png", folder, digit, number);
    png_image png = {.version = PNG_IMAGE_VERSION};
    if (!png_image_begin_read_from_file(&png, path)) return false;
    assert_int_equal(png.width, 8);
    assert_int_equal(png.height, 8);
    assert_int_equal(png.format, PNG_FORMAT_GRAY);
    return png_image_finish_read(&png, NULL, pixels, 8, NULL) != 0;
}

static void test_all_pictures(void **state)
{
    const char *folder = *state;
    bool written;
    assert_int_equal(digits_unpack(folder, &written), LT_OK);
    assert_true(written);
    int pictures = 0;
    int64_t ink = 0;
    uint8_t pixels[64];
    for (int digit = 0; digit < 10; digit++) {
        int number = 1;
        for (; read_picture(folder, digit, number, pixels); number++)
            for (int i = 0; i < 64; i++) ink += (pixels[i] * 16 + 127) / 255;
        assert_int_equal(number - 1, pictures_of_class[digit]);
        pictures += number - 1;
    }
    assert_int_equal(pictures, DIGITS_PICTURES);
    assert_int_equal(ink, 561718); /* digits.data.sum() */
}

static void test_first_picture(void **state)
{
    static const int first_row[8] = {0, 0, 5, 13, 9, 1, 0, 0}; /* digits.images[0][0], of class 0 */
    bool written;
    uint8_t pixels[64];
    assert_int_equal(digits_unpack(*state, &written), LT_OK);
    assert_true(read_picture(*state, 0, 1, pixels));
    for (int i = 0; i < 8; i++) assert_int_equal((pixels[i] * 16 + 127) / 255, first_row[i]);
}

static void test_second_time_changes_nothing(void **state)
{
    char path[256];
    bool written;
    assert_int_equal(digits_unpack(*state, &written), LT_OK);
    snprintf(path, sizeof path, "%s/9/0180.png", (const char *)*state);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(digits_unpack(*state, &written), LT_OK);
    assert_false(written);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void test_interrupted_is_finished(void **state)
{
    char partial[256], path[300];
    bool written;
    uint8_t pixels[64];
    snprintf(partial, sizeof partial, "%s.partial", (const char *)*state);
    assert_int_equal(mkdir(partial, 0777), 0);
    snprintf(path, sizeof path, "%s/0", partial);
    assert_int_equal(mkdir(path, 0777), 0);
    snprintf(path, sizeof path, "%s/0/0001.png", partial);
    FILE *half = fopen(path, "wb");
    assert_non_null(half);
    fputs("half", half);
    fclose(half);
    assert_int_equal(digits_unpack(*state, &written), LT_OK);
    assert_true(written);
    assert_true(read_picture(*state, 0, 1, pixels));
    assert_int_not_equal(access(partial, F_OK), 0);
}

static void test_no_place_is_an_error(void **state)
{
    (void)state;
    bool written;
    assert_int_not_equal(digits_unpack("/proc/digits", &written), LT_OK);
    assert_false(written);
    assert_non_null(strstr(lt_message(), "/proc/digits.partial"));
}

static int make_folder(void **state)
{
    char *folder = strdup("digits_unpack_XXXXXX");
    if (folder == NULL || mkdtemp(folder) == NULL) return -1;
    char *inner = malloc(64);
    if (inner == NULL) return -1;
    snprintf(inner, 64, "%s/digits", folder);
    free(folder);
    *state = inner;
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static int remove_folder(void **state)
{
    char *inner = *state;
    *strrchr(inner, '/') = '\0';
    const int err = nftw(inner, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(inner);
    return err;
}

int main(void)
{
#define UNPACKING(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        UNPACKING(test_all_pictures),
        UNPACKING(test_first_picture),
        UNPACKING(test_second_time_changes_nothing),
        UNPACKING(test_interrupted_is_finished),
        cmocka_unit_test(test_no_place_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
