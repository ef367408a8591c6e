#include "data/check.h"

#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/base/thread.h"
#include "data/codecs/codec.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

enum { WORKERS_MAX = 64, FILE_MAX_BYTES = 1 << 30 };

struct check {
    const struct set *set;
    struct checked *checked;
    int64_t max_pixels;
    _Atomic int64_t next, done;
};

static void check_one(struct check *self, int64_t i, struct picture *picture)
{
    struct checked *checked = &self->checked[i];
    const char *path = self->set->sample[i].path;
    char *bytes;
    size_t length;
    enum lt_err err = path_read(&bytes, &length, path, FILE_MAX_BYTES);
    if (err == LT_OK) {
        const XXH128_hash_t hash = XXH3_128bits(bytes, length);
        checked->hash[0] = hash.low64, checked->hash[1] = hash.high64;
        err = picture_decode(picture, (const uint8_t *)bytes, length, self->max_pixels);
        if (err != LT_OK) (void)lt_fail_in(err, "%s: ", path);
        free(bytes);
    }
    if (err != LT_OK) checked->bad = memory_text(lt_message());
    checked->width = picture->width, checked->height = picture->height;
}

static void *work(void *context)
{
    struct check *self = context;
    struct picture picture = {0};
    for (int64_t i; (i = atomic_fetch_add(&self->next, 1)) < self->set->samples;) {
        check_one(self, i, &picture);
        atomic_fetch_add(&self->done, 1);
    }
    picture_release(&picture);
    return NULL;
}

/* Samples by content, equal ones by their place in the set. */
static int compare(const void *a, const void *b, void *context)
{
    const struct checked *by_content = context;
    const int64_t i = *(const int64_t *)a, k = *(const int64_t *)b;
    const int order = memcmp(by_content[i].hash, by_content[k].hash, sizeof by_content[i].hash);
    return order ? order : i < k ? -1 : 1;
}

static void find_duplicates(struct checked *checked, int64_t count)
{
    int64_t *order = memory_new((size_t)count + 1, sizeof *order);
    for (int64_t i = 0; i < count; i++) {
        order[i] = i;
        checked[i].same_as = -1;
    }
    qsort_r(order, (size_t)count, sizeof *order, compare, checked);
    for (int64_t i = 1, first = 0; i < count; i++) {
        const struct checked *here = &checked[order[i]], *before = &checked[order[first]];
        if (memcmp(here->hash, before->hash, sizeof here->hash) != 0)
            first = i;
        else if (here->hash[0] || here->hash[1]) /* 0: it could not be read */
            checked[order[i]].same_as = order[first];
    }
    free(order);
}

/* Waits for the workers, and says now and then how far they are. */
static void watch(struct check *self, const struct check_options *options)
{
    const struct timespec tick = {.tv_nsec = 50 * 1000 * 1000};
    for (int ticks = 1; atomic_load(&self->done) < self->set->samples; ticks++) {
        nanosleep(&tick, NULL);
        if (options->progress && ticks % 20 == 0)
            options->progress(options->context, atomic_load(&self->done), self->set->samples);
    }
    if (options->progress) options->progress(options->context, self->set->samples, self->set->samples);
}

enum lt_err data_check(struct checked **checked, const struct set *set, const struct check_options *options)
{
    struct check self = {.set = set, .max_pixels = options->max_pixels};
    pthread_t thread[WORKERS_MAX];
    const int cores = options->workers > 0 ? options->workers : thread_cores(),
              wanted = cores < WORKERS_MAX ? cores : WORKERS_MAX;
    int started = 0;
    enum lt_err err = LT_OK;
    self.checked = memory_new((size_t)set->samples + 1, sizeof *self.checked);
    while (err == LT_OK && started < wanted) {
        err = thread_start(&thread[started], "check", work, &self);
        started += err == LT_OK;
    }
    if (started > 0) { /* fewer do as well */
        err = LT_OK;
        watch(&self, options);
        for (int i = 0; i < started; i++) pthread_join(thread[i], NULL);
        find_duplicates(self.checked, set->samples);
    }
    if (err == LT_OK)
        *checked = self.checked;
    else
        data_check_free(self.checked, set);
    return err;
}

void data_check_free(struct checked *checked, const struct set *set)
{
    for (int64_t i = 0; checked && i < set->samples; i++) free(checked[i].bad);
    free(checked);
}
