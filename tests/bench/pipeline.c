/* Times the loader: pipeline FOLDER BATCH WORKERS train|val [EPOCHS [decoded|fast]]. Prints the time to the first batch
 * and pictures per second: of the caller's thread (its CPU time, without workers), or of wall time with them. */
#include "data/base/clock.h"
#include "data/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const transforms[2] = {"[{random_resized_crop: 224}, {random_horizontal_flip: 0.5}, {color_jitter: "
                                          "[0.2, 0.2, 0.2]}, {normalize: imagenet}]",
                                          "[{resize: 256}, {center_crop: 224}, {normalize: imagenet}]"};

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static enum lt_err run(struct loader *loader, int epochs, bool threads)
{
    const struct batch *batch;
    int64_t pictures = 0, first = 0, begin = clock_ns(), cpu = cpu_ns();
    for (int epoch = 0; epoch < epochs; epoch++) {
        LT_TRY(loader_start(loader, epoch, 0, INT64_MAX));
        for (;;) {
            LT_TRY(loader_next(loader, &batch));
            if (!batch) break;
            if (!first) first = clock_ns() - begin;
            pictures += batch->n;
        }
    }
    const int64_t spent = threads ? clock_ns() - begin : cpu_ns() - cpu;
    printf("first %.1f ms, %.0f pictures/s\n", (double)first * 1e-6, (double)pictures / ((double)spent * 1e-9));
    return LT_OK;
}

int main(int argc, char **argv)
{
    if (argc < 5) return fprintf(stderr, "usage: pipeline FOLDER BATCH WORKERS train|val [EPOCHS [decoded|fast]]\n"), 2;
    struct set *set;
    struct pipeline *pipeline;
    struct setting *list;
    struct loader *loader;
    const bool train = strcmp(argv[4], "train") == 0;
    enum lt_err err = set_open(&set, "image_folder", argv[1]);
    if (err == LT_OK) err = setting_parse(&list, transforms[!train], "transforms");
    if (err == LT_OK) err = pipeline_read(&pipeline, list);
    if (err != LT_OK) return fprintf(stderr, "pipeline: %s\n", lt_message()), 1;
    const struct view view = {.set = set, .count = set->samples, .pipeline = pipeline};
    const struct loader_options options = {
        .batch_size = atoll(argv[2]),
        .shuffle = train,
        .workers = atoi(argv[3]),
        .seed = 1,
        .cache = argc > 6 && strcmp(argv[6], "decoded") == 0,
        .fast = argc > 6 && strcmp(argv[6], "fast") == 0,
    };
    err = loader_new(&loader, &view, &options);
    if (err == LT_OK) err = run(loader, argc > 5 ? atoi(argv[5]) : 1, options.workers > 0);
    if (err != LT_OK) return fprintf(stderr, "pipeline: %s\n", lt_message()), 1;
    loader_free(loader);
    pipeline_free(pipeline);
    setting_free(list);
    set_free(set);
    return 0;
}
