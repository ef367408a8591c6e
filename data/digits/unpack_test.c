/* The unpacked digits against facts of scikit-learn's copy: pictures of each class, single pixels, the sum of all ink.
 */
#include "data/base/path.h"
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
    static const int first_row[8] = {0, 0, 5, 13, 9, 1, 0, 0}; /* digits.images[0][0], of class 0 */
    int pictures = 0;
    int64_t ink = 0;
    uint8_t pixels[64];
    for (int digit = 0; digit < 10; digit++) {
        int number = 1;
        for (; read_picture(*state, digit, number, pixels); number++)
            for (int i = 0; i < 64; i++) ink += (pixels[i] * 16 + 127) / 255;
        assert_int_equal(number - 1, pictures_of_class[digit]);
        pictures += number - 1;
    }
    assert_int_equal(pictures, DIGITS_PICTURES);
    assert_int_equal(ink, 561718); /* digits.data.sum() */
    assert_true(read_picture(*state, 0, 1, pixels));
    for (int i = 0; i < 8; i++) assert_int_equal((pixels[i] * 16 + 127) / 255, first_row[i]);
}

static void test_second_time_changes_nothing(void **state)
{
    char path[256];
    bool written;
    snprintf(path, sizeof path, "%s/9/0180.png", (const char *)*state);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(digits_unpack(*state, &written), LT_OK);
    assert_false(written);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void test_no_place_is_an_error(void **state)
{
    (void)state;
    bool written;
    assert_int_not_equal(digits_unpack("/proc/digits", &written), LT_OK);
    assert_false(written);
    assert_non_null(strstr(lt_message(), "/proc/digits.partial"));
}

/* Leaves behind what an unpacking that was cut off would, then unpacks: state is the folder of the pictures. */
static int unpack_after_interruption(void **state)
{
    static char folder[] = "digits_unpack_XXXXXX/digits";
    char path[300];
    bool written;
    uint8_t pixels[64];
    folder[strlen("digits_unpack_XXXXXX")] = '\0';
    if (mkdtemp(folder) == NULL) return -1;
    folder[strlen(folder)] = '/';
    snprintf(path, sizeof path, "%s.partial/0", folder);
    if (path_make_folder(path) != LT_OK) return -1;
    snprintf(path, sizeof path, "%s.partial/0/0001.png", folder);
    if (path_write_atomic(path, "half", 4) != LT_OK) return -1;
    *state = folder;
    snprintf(path, sizeof path, "%s.partial", folder);
    const bool good = digits_unpack(folder, &written) == LT_OK && written && !path_exists(path);
    return good && read_picture(folder, 0, 1, pixels) ? 0 : -1;
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
    return nftw(inner, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_pictures),
        cmocka_unit_test(test_second_time_changes_nothing),
        cmocka_unit_test(test_no_place_is_an_error),
    };
    return cmocka_run_group_tests(tests, unpack_after_interruption, remove_folder);
}
