/* Pictures of a batch that a training keeps for screens: those of its first step, small, with what they are and were
 * taken for. */
#include "data/base/base64.h"
#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/codecs/codec.h"
#include "data/digits/unpack.h"
#include "data/transforms/transform.h"
#include "engine/engine.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { WIDTH = 144, HEIGHT = 96, FACTOR = 3, SHOWN = 16 };

static void fit(void)
{
    static char *files[] = {"demo/digits.yaml"};
    static char *overrides[] = {"trainer.max_steps",
                                "3",
                                "data.train_transforms",
                                "[{resize: [96, 144]}, {normalize: {mean: [0.3, 0.3, 0.3], std: "
                                "[0.3, 0.3, 0.3]}}]",
                                "data.val_transforms",
                                "[{resize: [96, 144]}, {normalize: {mean: [0.3, 0.3, 0.3], std: "
                                "[0.3, 0.3, 0.3]}}]"};
    struct config *config;
    struct run *run;
    assert_int_equal(config_read(&config, files, 1, overrides, 3), LT_OK);
    const struct run_request request = {.verb = RUN_FIT, .config = config, .folder = "run"};
    assert_int_equal(run_prepare(&run, &request), LT_OK);
    assert_int_equal(run_make_folder(run), LT_OK);
    assert_int_equal(run_fit(run, &(struct run_io){.viewer_fd = -1}), LT_OK);
    run_free(run);
    config_free(config);
}

/* The file's pixels, resized as the transform does. */
static void open_file(struct work *work, struct picture *picture, const char *path)
{
    char *bytes;
    size_t length;
    assert_int_equal(path_read(&bytes, &length, path, 1 << 20), LT_OK);
    assert_int_equal(picture_decode(picture, (const uint8_t *)bytes, length, 1 << 20), LT_OK);
    free(bytes);
    work_set(work, picture->rgb, picture->width, picture->height);
    image_resize(work, HEIGHT, WIDTH);
    work_settle(work);
}

/* Each pixel is the mean of FACTOR x FACTOR, rounded. */
static void compare_pixels(const uint8_t *small, const char *path)
{
    struct work work = {.pillow = 13};
    struct picture picture = {0};
    open_file(&work, &picture, path);
    for (int y = 0; y < HEIGHT / FACTOR; y++)
        for (int x = 0; x < WIDTH / FACTOR; x++)
            for (int c = 0; c < 3; c++) {
                int sum = 0;
                for (int i = 0; i < FACTOR * FACTOR; i++)
                    sum += work.image.pixels[(size_t)(y * FACTOR + i / FACTOR) * work.image.stride +
                                             (size_t)(3 * (x * FACTOR + i % FACTOR) + c)];
                assert_int_equal(small[3 * (y * WIDTH / FACTOR + x) + c], (2 * sum + 9) / 18);
            }
    work_release(&work);
    picture_release(&picture);
}

static void pictures_are_what_the_model_gets(void **state)
{
    (void)state;
    enum { BYTES = WIDTH / FACTOR * HEIGHT / FACTOR * 3 };
    static uint8_t rgb[BYTES];
    fit();
    json_t *json = json_load_file("run/documents/batch.json", 0, NULL), *pictures = json_object_get(json, "pictures");
    assert_int_equal(json_integer_value(json_object_get(json, "step")), 1);
    assert_int_equal(json_integer_value(json_object_get(json, "height")), HEIGHT / FACTOR);
    assert_int_equal(json_integer_value(json_object_get(json, "width")), WIDTH / FACTOR);
    assert_int_equal(json_array_size(pictures), SHOWN);
    for (size_t i = 0; i < SHOWN; i++) {
        const json_t *picture = json_array_get(pictures, i);
        const char *path = json_string_value(json_object_get(picture, "path"));
        char folder[64];
        snprintf(folder, sizeof folder, "demo/digits/%d/", (int)json_integer_value(json_object_get(picture, "target")));
        assert_non_null(strstr(path, folder));
        assert_in_range(json_integer_value(json_object_get(picture, "predicted")), 0, 9);
        assert_true(json_real_value(json_object_get(picture, "loss")) > 0);
        assert_true(base64_read(rgb, BYTES, json_string_value(json_object_get(picture, "rgb"))));
        compare_pixels(rgb, path);
    }
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pictures_are_what_the_model_gets)};
    char folder[] = "/tmp/lathe_shown_XXXXXX", command[64];
    bool written;
    size_t length;
    if (!mkdtemp(folder) || chdir(folder) != 0 || path_make_folder("demo") != LT_OK) return 1;
    setenv("XDG_RUNTIME_DIR", folder, 1);
    const char *yaml = digits_configuration(&length);
    if (digits_unpack("demo/digits", &written) != LT_OK || path_write_atomic("demo/digits.yaml", yaml, length) != LT_OK)
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return chdir("/") != 0 || system(command) != 0 || failed;
}
