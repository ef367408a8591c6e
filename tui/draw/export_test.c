#include "tui/draw/export.h"

#include "data/base/path.h"
#include "data/codecs/codec.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { POINTS = 5000 };

static struct series series;
static const struct lens lens;
static struct scope scope = {.lens = &lens, .first = 1, .last = POINTS};

static struct chart make_chart(void)
{
    return (struct chart){
        .title = "train/<loss>",
        .line = {{.series = &series, .label = "a \"run\"", .slot = SLOT_TRAIN, .band = SLOT_TRAIN_BAND}},
        .scope = &scope};
}

static int fill(void **state)
{
    (void)state;
    for (int i = 1; i <= POINTS; i++) {
        const double value = i == 1234 ? 50 : i == 4000 ? NAN : 2 + sin(i * 0.01);
        series_add(&series, (struct wire_point){i, 1e9 + i, value});
    }
    return 0;
}

static int release(void **state)
{
    (void)state;
    series_release(&series);
    return 0;
}

static int count(const char *text, const char *what)
{
    int found = 0;
    for (const char *at = text; (at = strstr(at, what)); at++) found++;
    return found;
}

static void every_point_is_a_row(void **state)
{
    (void)state;
    const struct chart chart = make_chart();
    struct text csv = {0};
    scope.first = 1, scope.last = POINTS;
    export_csv(&csv, &chart);
    assert_int_equal(count(text_get(&csv), "\n"), POINTS + 1);
    assert_non_null(strstr(text_get(&csv), "\"a \"\"run\"\"\",1234,1000001234.000,50\n"));
    assert_non_null(strstr(text_get(&csv), ",4000,1000004000.000,nan\n"));
    text_clear(&csv);
    scope.first = 100, scope.last = 199; /* what is zoomed is what is written */
    export_csv(&csv, &chart);
    assert_int_equal(count(text_get(&csv), "\n"), 101);
    text_release(&csv);
}

/* Well formed, no number that is none, words escaped; the spike of one step reaches the top, the NaN is a mark. */
static void pictures_lose_no_extreme(void **state)
{
    (void)state;
    const struct chart chart = make_chart();
    struct text svg = {0};
    scope.first = 1, scope.last = POINTS;
    export_svg(&svg, &chart);
    const char *text = text_get(&svg);
    assert_int_equal(count(text, "<text"), count(text, "</text>"));
    assert_true(count(text, "nan") == 0 && count(text, "inf") == 0);
    assert_non_null(strstr(text, "train/&#60;loss&#62;"));
    assert_non_null(strstr(text, " 48.2V")); /* near the top */
    assert_int_equal(count(text, "v-8"), 1);
    text_release(&svg);
}

static const uint8_t *pixel(const struct picture *picture, int x, int y)
{
    return picture->rgb + 3 * (y * picture->width + x);
}

static bool is_bluish(const uint8_t rgb[3])
{
    return rgb[2] > rgb[0] + 30;
}

/* The spike of one step near the top of its column and nothing beside it, the NaN a mark on the axis. */
static void pixels_lose_no_extreme(void **state)
{
    (void)state;
    const struct chart chart = make_chart();
    struct text png = {0};
    struct picture picture = {0};
    scope.first = 1, scope.last = POINTS;
    assert_int_equal(export_png(&png, &chart), LT_OK);
    assert_int_equal(picture_decode(&picture, (const uint8_t *)png.bytes, png.length, 1 << 20), LT_OK);
    assert_true(picture.width == 1200 && picture.height == 700);
    assert_true(is_bluish(pixel(&picture, 363, 80)) || is_bluish(pixel(&picture, 364, 80)));
    assert_false(is_bluish(pixel(&picture, 350, 80)) || is_bluish(pixel(&picture, 380, 80)));
    const uint8_t *mark = pixel(&picture, 955, 636), *none = pixel(&picture, 940, 636);
    assert_true(mark[0] > mark[1] + 50 && none[0] < none[1] + 50);
    picture_release(&picture);
    text_release(&png);
}

static void files_lie_in_the_folder(void **state)
{
    (void)state;
    const struct chart chart = make_chart();
    char folder[] = "/tmp/export_test_XXXXXX", command[64], *where, *bytes, path[128];
    size_t length;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(export_files(&where, &chart, folder, "train/loss"), LT_OK);
    snprintf(path, sizeof path, "%s/charts/train-loss.svg", folder);
    assert_int_equal(path_read(&bytes, &length, path, 1 << 20), LT_OK);
    free(bytes);
    snprintf(path, sizeof path, "%s/charts/train-loss.png", folder);
    assert_int_equal(path_read(&bytes, &length, path, 1 << 20), LT_OK);
    free(bytes), free(where);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(export_files(&where, &chart, "/dev/null", "loss"), LT_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_point_is_a_row), cmocka_unit_test(pictures_lose_no_extreme),
        cmocka_unit_test(pixels_lose_no_extreme), cmocka_unit_test(files_lie_in_the_folder)};
    return cmocka_run_group_tests(tests, fill, release);
}
