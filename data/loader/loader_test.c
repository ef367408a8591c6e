/* Sets and loaders on folders made here from the golden pictures: order, independence of workers, resuming, bad files.
 */
#include "data/data.h"

#include "data/base/memory.h"
#include "data/base/path.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { PER_CLASS = 11 };

static char root[64];
static struct pipeline *pipeline;

/* ---- folders ---- */

static char *jpeg;
static size_t jpeg_length;

/* The bytes of one stored picture of tests/golden/pixels.py. */
static void read_golden_jpeg(void)
{
    char path[4096], *text, *at;
    size_t length;
    const char *source = getenv("LATHE_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/tests/golden/expected/pixels.txt", source ? source : ".");
    assert_int_equal(path_read(&text, &length, path, 1 << 24), LT_OK);
    at = strstr(text, "file jpeg_baseline_420 ");
    assert_non_null(at);
    for (int i = 0; i < 5; i++) at = strchr(at, ' ') + 1;
    jpeg = memory_new(1 << 16, 1);
    for (unsigned byte; sscanf(at, "%2x", &byte) == 1 && *at != '\n'; at += 2) jpeg[jpeg_length++] = (char)byte;
    free(text);
}

static void put(const char *below, const void *bytes, size_t length)
{
    char *path = path_join(root, below), *folder = memory_text(path);
    *strrchr(folder, '/') = 0;
    assert_int_equal(path_make_folder(folder), LT_OK);
    assert_int_equal(path_write_atomic(path, bytes, length), LT_OK);
    free(path);
    free(folder);
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(root, "/tmp/loader_test_XXXXXX");
    if (!mkdtemp(root)) return 1;
    if (!jpeg) read_golden_jpeg();
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < PER_CLASS; i++) {
            char name[64];
            snprintf(name, sizeof name, "%c/sub%d/%02d.jpg", "bac"[c], i % 2, i);
            put(name, jpeg, jpeg_length);
        }
    put("a/readme.txt", "x", 1);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[256];
    snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -rf %s", root, root);
    return system(command);
}

static struct pipeline *read_pipeline(const char *yaml)
{
    struct setting *list;
    struct pipeline *made = NULL;
    assert_int_equal(setting_parse(&list, yaml, "t"), LT_OK);
    if (pipeline_read(&made, list) != LT_OK) made = NULL;
    setting_free(list);
    return made;
}

static uint64_t hash_batch(uint64_t value, const struct batch *batch, size_t image)
{
    for (size_t i = 0; i < (size_t)batch->n * image; i++) value = (value ^ batch->pixels[i]) * 0x100000001B3u;
    for (int64_t i = 0; i < batch->n; i++)
        value = (value ^ (uint64_t)(batch->sample[i] * 7 + batch->target[i])) * 0x100000001B3u;
    return value;
}

static const struct loader_options usual = {.batch_size = 4, .shuffle = true, .seed = 3, .max_bad = 1};

static struct loader *open_loader(struct set *set, struct loader_options options)
{
    struct loader *loader;
    struct view view = {.set = set, .count = set->samples, .pipeline = pipeline};
    assert_int_equal(loader_new(&loader, &view, &options), LT_OK);
    return loader;
}

static struct set *open_set(void)
{
    struct set *set;
    if (set_open(&set, "image_folder", root) != LT_OK) fail_msg("%s", lt_message());
    return set;
}

/* ---- sets ---- */

static void folders_are_listed_as_torchvision_does(void **state)
{
    (void)state;
    struct set *set = open_set();
    assert_int_equal(set->classes, 3);
    assert_string_equal(set->class_name[0], "a");
    assert_int_equal(set->samples, 3 * PER_CLASS);
    assert_non_null(strstr(set->sample[0].path, "/a/sub0/00.jpg"));
    assert_non_null(strstr(set->sample[1].path, "/a/sub0/02.jpg"));
    assert_non_null(strstr(set->sample[6].path, "/a/sub1/01.jpg"));
    assert_int_equal(set->sample[3 * PER_CLASS - 1].class_index, 2);
    uint64_t before = set->hash;
    set_free(set);
    put("c/new.jpg", jpeg, jpeg_length);
    set = open_set();
    assert_true(set->hash != before);
    set_free(set);
}

static void expect_refusal(const char *words)
{
    struct set *set;
    assert_int_not_equal(set_open(&set, "image_folder", root), LT_OK);
    if (!strstr(lt_message(), words)) fail_msg("'%s' does not say '%s'", lt_message(), words);
}

static void wrong_folders(void **state)
{
    (void)state;
    struct set *set;
    assert_int_not_equal(set_open(&set, "image_folder", "/no/such"), LT_OK);
    assert_string_equal(lt_message(), "the data folder /no/such does not exist; correct data.data_dir");
    assert_int_not_equal(set_open(&set, "image_foldr", root), LT_OK);
    assert_non_null(strstr(lt_message(), "did you mean 'image_folder'?"));
    put("b/old.bmp", "BM", 2);
    expect_refusal("b/old.bmp: pictures in the format bmp cannot be read");
    put("b/old.bmp", "BM", 2);
    char path[256];
    snprintf(path, sizeof path, "%s/b/old.bmp", root);
    unlink(path);
    snprintf(path, sizeof path, "%s/d", root);
    mkdir(path, 0777);
    expect_refusal("/d holds no picture; add some or remove the folder");
    rmdir(path);
    snprintf(path, sizeof path, "%s/b/loop", root);
    assert_int_equal(symlink("..", path), 0);
    expect_refusal("leads back to a folder above it; remove the link");
}

/* ---- pipelines ---- */

static void wrong_pipelines(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *message;
    } cases[] = {
        {"[{resize: 256}, {normalize: imagenet}]", "t:1: pictures come out in different sizes; end with center_crop: "
                                                   "N, random_resized_crop: N or resize: [H, W]"},
        {"[{centre_crop: 224}]", "t:1: 0: there is no transform 'centre_crop'; did you mean 'center_crop'?"},
        {"[{normalize: imagenet}, {center_crop: 4}]", "t:1: 0: normalize must be the last transform"},
        {"[{center_crop: 0}]", "t:1: 0.center_crop: 0 is not possible: it must be at least 1 and at most 65535"},
        {"[{center_crop: 4}, {normalize: imagenit}]",
         "t:1: 1: there is no preset 'imagenit'; use imagenet, half, or {mean: [...], std: [...]}"},
        {"[{center_crop: 4}, {color_jitter: {hue: 0.1}}]", "t:1: 1: jitter of the hue is not available yet; use 0"},
        {"[{random_resized_crop: {size: 4, scale: [1, 0.5]}}]", "t:1: 0: scale is [least, largest], like [0.08, 1.0]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_null(read_pipeline(cases[i].yaml));
        assert_string_equal(lt_message(), cases[i].message);
    }
    struct pipeline *made = read_pipeline("[{resize: 256}, {center_crop: [10, 20]}, {normalize: imagenet}]");
    int height, width;
    double mean[3], std[3];
    assert_non_null(made);
    pipeline_size(made, &height, &width);
    pipeline_normalize(made, mean, std);
    assert_true(height == 10 && width == 20 && mean[0] == 0.485 && std[2] == 0.225);
    pipeline_free(made);
}

/* ---- loaders ---- */

static uint64_t run_epoch(struct loader *loader, int64_t epoch, int64_t first, uint64_t value)
{
    const struct batch *batch;
    assert_int_equal(loader_start(loader, epoch, first, INT64_MAX), LT_OK);
    for (int64_t number = first;; number++) {
        if (loader_next(loader, &batch) != LT_OK) fail_msg("%s", lt_message());
        if (!batch) break;
        assert_int_equal(batch->number, number);
        value = hash_batch(value, batch, 16 * 16 * 3);
    }
    return value;
}

/* 0, 1, 2 and 4 workers, rings of 1 and 4, from the start or from batch 5: the same bytes. */
static void workers_do_not_show(void **state)
{
    (void)state;
    struct set *set = open_set();
    struct loader_options options = usual;
    uint64_t whole = 0, tail = 0, other = 0;
    for (int i = 0; i < 5; i++) {
        options.workers = (int[]){0, 1, 2, 4, 4}[i];
        options.ring = i == 4 ? 1 : 4;
        struct loader *loader = open_loader(set, options);
        assert_int_equal(loader_batches(loader), 9);
        uint64_t all = run_epoch(loader, 2, 0, 1), half = run_epoch(loader, 2, 5, 1), next = run_epoch(loader, 3, 0, 1);
        if (i == 0) whole = all, tail = half, other = next;
        assert_true(all == whole && half == tail && next == other && whole != other);
        run_epoch(loader, 2, 9, 1); /* nothing left */
        loader_free(loader);
    }
    set_free(set);
}

/* Fast decoding gives other pixels, near the exact ones, and the same ones for any number of workers. */
static void fast_decoding_is_near(void **state)
{
    (void)state;
    struct set *set = open_set();
    struct loader_options options = usual;
    struct loader *exact = open_loader(set, options);
    options.fast = true;
    struct loader *fast = open_loader(set, options);
    options.workers = 3;
    struct loader *spread = open_loader(set, options);
    assert_true(run_epoch(fast, 1, 0, 1) == run_epoch(spread, 1, 0, 1));
    const struct batch *a, *b;
    int64_t different = 0, distance = 0, count = 0;
    assert_int_equal(loader_start(exact, 1, 0, INT64_MAX), LT_OK);
    assert_int_equal(loader_start(fast, 1, 0, INT64_MAX), LT_OK);
    while (loader_next(exact, &a) == LT_OK && loader_next(fast, &b) == LT_OK && a)
        for (int64_t i = 0; i < a->n * 16 * 16 * 3; i++, count++) {
            different += a->pixels[i] != b->pixels[i];
            distance += abs(a->pixels[i] - b->pixels[i]);
        }
    assert_true(count > 0 && different > count / 100 && distance < 4 * count);
    loader_free(exact), loader_free(fast), loader_free(spread);
    set_free(set);
}

/* Overwrites bytes of the one file of the cache folder from a share of it on, or cuts it to `length` when that is not
 * 0.
 */
static void spoil_cache(const char *folder, double from, off_t length)
{
    char command[512];
    snprintf(command, sizeof command, "%s/lathe", folder);
    DIR *dir = opendir(command);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[1024];
        struct stat info;
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/lathe/%s", folder, entry->d_name);
        assert_int_equal(stat(path, &info), 0);
        if (length) {
            assert_int_equal(truncate(path, length), 0);
            continue;
        }
        FILE *file = fopen(path, "r+b");
        assert_non_null(file);
        for (off_t at = 40 + (off_t)((double)info.st_size * from); at < info.st_size; at += 77) {
            fseek(file, at, SEEK_SET);
            fputc('x', file);
        }
        fclose(file);
    }
    closedir(dir);
}

/* From the files, into the cache, out of the cache, and out of one that was spoiled: the same bytes. */
static void the_cache_does_not_show(void **state)
{
    (void)state;
    char folder[300];
    struct set *set = open_set();
    struct loader_options options = usual;
    options.workers = 2;
    struct loader *loader = open_loader(set, options);
    const uint64_t expected = run_epoch(loader, 2, 0, 1);
    loader_free(loader);
    snprintf(folder, sizeof folder, "%s-cache", root);
    setenv("XDG_CACHE_HOME", folder, 1);
    options.cache = true;
    for (int round = 0; round < 7; round++) {
        loader = open_loader(set, options);
        for (int epoch = 0; epoch < 2; epoch++) assert_true(run_epoch(loader, 2, 0, 1) == expected);
        loader_free(loader);
        if (round == 1) spoil_cache(folder, 0.5, 0); /* pictures */
        if (round == 2) spoil_cache(folder, 0, 0);   /* the index too */
        if (round == 3) spoil_cache(folder, 0, 100);
        if (round == 4) spoil_cache(folder, 0, 5000);
        if (round == 5) put("a/sub0/00.jpg", jpeg, jpeg_length); /* a newer file */
    }
    char command[512];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    assert_int_equal(system(command), 0);
    unsetenv("XDG_CACHE_HOME");
    set_free(set);
}

static void an_epoch_can_be_left(void **state)
{
    (void)state;
    struct set *set = open_set();
    struct loader_options options = usual;
    options.workers = 3;
    struct loader *loader = open_loader(set, options);
    const struct batch *batch;
    uint64_t first = run_epoch(loader, 0, 0, 1);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(loader_start(loader, i, 0, INT64_MAX), LT_OK);
        for (int k = 0; k < i; k++) assert_int_equal(loader_next(loader, &batch), LT_OK);
    }
    assert_true(run_epoch(loader, 0, 0, 1) == first);
    assert_int_equal(loader_start(loader, 0, 0, INT64_MAX), LT_OK);
    loader_free(loader); /* in the middle of an epoch */
    set_free(set);
}

/* Of an epoch of 9 batches 3 are wanted: the others are not decoded, however long the workers have. */
static void what_is_not_wanted_is_not_decoded(void **state)
{
    (void)state;
    struct set *set = open_set();
    struct loader_options options = usual;
    for (options.workers = 0; options.workers < 3; options.workers++) {
        struct loader *loader = open_loader(set, options);
        const struct batch *batch;
        assert_int_equal(loader_start(loader, 0, 2, 5), LT_OK);
        for (int64_t number = 2; number < 5; number++) {
            assert_int_equal(loader_next(loader, &batch), LT_OK);
            assert_int_equal(batch->number, number);
        }
        assert_int_equal(loader_next(loader, &batch), LT_OK);
        assert_null(batch);
        usleep(20000);
        assert_int_equal(loader_status(loader).decoded, 12);
        loader_free(loader);
    }
    set_free(set);
}

static void drop_last_and_order(void **state)
{
    (void)state;
    struct set *set = open_set();
    struct loader_options options = usual;
    options.drop_last = true;
    options.shuffle = false;
    struct loader *loader = open_loader(set, options);
    const struct batch *batch;
    assert_int_equal(loader_batches(loader), 8);
    assert_int_equal(loader_start(loader, 0, 0, INT64_MAX), LT_OK);
    for (int64_t i = 0; i < 8; i++) {
        assert_int_equal(loader_next(loader, &batch), LT_OK);
        assert_int_equal(batch->n, 4);
        for (int64_t k = 0; k < 4; k++) assert_int_equal(batch->sample[k], 4 * i + k);
    }
    assert_int_equal(loader_next(loader, &batch), LT_OK);
    assert_null(batch);
    loader_free(loader);
    set_free(set);
}

static void count_bad(void *context, const char *reason)
{
    assert_true(strstr(reason, "/a/sub0/02.jpg: ") || strstr(reason, "/b/sub1/03.jpg: "));
    ++*(int *)context;
}

static void bad_files(void **state)
{
    (void)state;
    put("a/sub0/02.jpg", jpeg, jpeg_length / 2);
    put("b/sub1/03.jpg", "GIF89a", 6);
    struct set *set = open_set();
    const struct batch *batch;
    struct loader_options options = usual;
    options.workers = 2;
    options.shuffle = false;
    struct loader *loader = open_loader(set, options);
    assert_int_equal(loader_start(loader, 0, 0, INT64_MAX), LT_OK);
    assert_int_equal(loader_next(loader, &batch), LT_EDATA);
    assert_non_null(strstr(lt_message(), "/a/sub0/02.jpg: the JPEG is damaged or cut off"));
    assert_non_null(strstr(lt_message(), "(class 'a', picture 1); repair or remove it, or set data.on_bad: skip"));
    loader_free(loader);

    options.on_bad = ON_BAD_SKIP;
    for (options.workers = 0; options.workers < 3; options.workers++) {
        loader = open_loader(set, options);
        int reported = 0;
        run_epoch(loader, 0, 0, 1);
        assert_int_equal(loader_start(loader, 1, 0, INT64_MAX), LT_OK);
        assert_int_equal(loader_next(loader, &batch), LT_OK);
        assert_int_equal(batch->sample[1], 2); /* the next good one stands in */
        loader_bad_files(loader, count_bad, &reported);
        loader_bad_files(loader, count_bad, &reported);
        assert_int_equal(reported, 2);
        assert_int_equal(loader_status(loader).bad, 2);
        loader_free(loader);
    }
    options.max_bad = 0.01;
    loader = open_loader(set, options);
    assert_int_equal(loader_start(loader, 0, 0, INT64_MAX), LT_OK);
    enum lt_err err = LT_OK;
    do err = loader_next(loader, &batch);
    while (err == LT_OK && batch);
    assert_int_equal(err, LT_EDATA);
    assert_non_null(strstr(lt_message(), "more than data.max_bad 0.01 allows"));
    loader_free(loader);
    set_free(set);
}

static void files_that_vanish(void **state)
{
    (void)state;
    struct set *set = open_set();
    char path[256];
    const struct batch *batch;
    snprintf(path, sizeof path, "%s/a/sub0/00.jpg", root);
    unlink(path);
    struct loader_options options = usual;
    options.shuffle = false;
    struct loader *loader = open_loader(set, options);
    assert_int_equal(loader_start(loader, 0, 0, INT64_MAX), LT_OK);
    assert_int_not_equal(loader_next(loader, &batch), LT_OK);
    assert_non_null(strstr(lt_message(), "No such file or directory"));
    loader_free(loader);
    set_free(set);
}

static void files_by_name(void **state)
{
    (void)state;
    char path[256], *list[] = {path, root};
    snprintf(path, sizeof path, "%s/a/sub0/00.jpg", root);
    struct set *set;
    assert_int_equal(set_of_files(&set, list, 2), LT_OK);
    assert_int_equal(set->samples, 3 * PER_CLASS + 1);
    assert_int_equal(set->sample[0].class_index, -1);
    set_free(set);
    snprintf(path, sizeof path, "%s/none.jpg", root);
    assert_int_not_equal(set_of_files(&set, list, 1), LT_OK);
}

static int open_pipeline(void **state)
{
    (void)state;
    pipeline = read_pipeline("[{random_resized_crop: {size: 16, scale: [0.2, 1]}}, random_horizontal_flip, "
                             "{color_jitter: [0.4, 0.4, 0.4]}, {normalize: half}]");
    return pipeline == NULL;
}

static int close_pipeline(void **state)
{
    (void)state;
    pipeline_free(pipeline);
    free(jpeg);
    return 0;
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(folders_are_listed_as_torchvision_does),
        WITH_FOLDER(wrong_folders),
        cmocka_unit_test(wrong_pipelines),
        WITH_FOLDER(workers_do_not_show),
        WITH_FOLDER(fast_decoding_is_near),
        WITH_FOLDER(the_cache_does_not_show),
        WITH_FOLDER(an_epoch_can_be_left),
        WITH_FOLDER(what_is_not_wanted_is_not_decoded),
        WITH_FOLDER(drop_last_and_order),
        WITH_FOLDER(bad_files),
        WITH_FOLDER(files_that_vanish),
        WITH_FOLDER(files_by_name),
    };
    return cmocka_run_group_tests(tests, open_pipeline, close_pipeline);
}
