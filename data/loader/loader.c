/* The loader: workers claim samples in epoch order and decode them into a ring of whole batches; the caller takes
 * batches in order. What a sample becomes depends on (seed, epoch, sample) alone, so neither the number of workers nor
 * their timing shows. */
#include "data/data.h"

#include "data/base/clock.h"
#include "data/base/memory.h"
#include "data/base/span.h"
#include "data/base/thread.h"
#include "data/codecs/codec.h"
#include "data/loader/cache.h"
#include "data/transforms/pipeline.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RING_DEFAULT = 4, NICE_LEVELS = 5 };

/* One batch being filled, lent or waiting. */
struct slot {
    struct batch batch;
    uint8_t *pixels;
    int32_t *target;
    int64_t *sample;
    int64_t missing;    /* samples still to come */
    int64_t failed_row; /* the first row that could not be made; -1 = none */
    char *message;
    enum lt_err code;
};

struct bad_file {
    int64_t sample;
    char *reason;
    bool told;
};

/* What one thread decodes with. */
struct worker {
    struct loader *loader;
    pthread_t thread;
    struct picture picture;
    struct planes planes;
    struct work work;
};

struct loader {
    struct view view;
    struct loader_options options;
    int height, width, ring;
    size_t image_bytes;
    int64_t batches, used; /* used: samples of an epoch */

    pthread_mutex_t lock; /* everything below; never held while decoding */
    pthread_cond_t room, ready;
    int64_t *order;           /* [view.count]: indices of the set, this epoch */
    int64_t epoch, next_task; /* next position of `order` to decode */
    int64_t end;              /* batches from here on are not wanted */
    int64_t taken;            /* batches handed out and given back */
    bool lent, stop, leave;
    int active; /* workers decoding now */
    struct slot *slot;
    bool *is_bad; /* by index in the set */
    struct bad_file *bad;
    size_t bad_count, bad_capacity;
    int64_t decoded;

    struct cache *cache;   /* NULL: none */
    struct worker *worker; /* [workers], or one that the caller's thread uses */
    int workers;
};

/* ---- one sample ---- */

/* A file in memory, and whose memory its pixels go to. */
struct file {
    char *bytes;
    size_t length;
    struct worker *worker;
};

static enum lt_err decode_part(void *context, struct box part, const uint8_t **rgb)
{
    const struct file *file = context;
    struct picture *picture = &file->worker->picture;
    LT_TRY(picture_decode_part(picture, (const uint8_t *)file->bytes, file->length, part));
    *rgb = picture->rgb;
    return LT_OK;
}

static enum lt_err decode_planes(void *context, struct box part, int height, int width, const struct planes **planes)
{
    const struct file *file = context;
    *planes = &file->worker->planes;
    return picture_decode_planes(&file->worker->planes, (const uint8_t *)file->bytes, file->length, part, height,
                                 width);
}

/* Brings self->work through the transforms. */
static enum lt_err transform(struct worker *self, int64_t sample, uint8_t *out)
{
    const struct loader *loader = self->loader;
    self->work.pillow = loader->options.pillow;
    struct rng_key key = rng_key(loader->options.seed, RNG_AUGMENT);
    struct rng rng = rng_at(key, (uint32_t)loader->epoch, (uint32_t)sample, (uint32_t)(sample >> 32));
    pipeline_apply(loader->view.pipeline, &self->work, &rng, out);
    return self->work.err;
}

/* An open file: the transforms decode what they need. */
static enum lt_err transform_file(struct worker *self, struct file *file, int64_t sample, uint8_t *out)
{
    int height, width;
    const int64_t most = self->loader->options.max_pixels;
    LT_TRY(picture_size(&height, &width, (const uint8_t *)file->bytes, file->length, most));
    const struct source source = {decode_part, self->loader->options.fast ? decode_planes : NULL, file};
    work_open(&self->work, height, width, source);
    return transform(self, sample, out);
}

static enum lt_err transform_cached(struct worker *self, int64_t sample, uint8_t *out)
{
    const uint8_t *rgb;
    int height, width;
    LT_TRY(cache_picture(self->loader->cache, sample, &self->picture, &rgb, &height, &width));
    work_set(&self->work, rgb, width, height);
    return transform(self, sample, out);
}

static enum lt_err decode_sample(struct worker *self, int64_t sample, uint8_t *out)
{
    const int64_t begin = clock_ns();
    if (self->loader->cache) {
        enum lt_err err = transform_cached(self, sample, out);
        span_end(SPAN_DECODE, begin);
        return err;
    }
    const char *path = self->loader->view.set->sample[sample].path;
    struct file file = {.worker = self};
    LT_TRY(picture_file(&file.bytes, &file.length, path));
    const int64_t read = span_end(SPAN_READ, begin);
    enum lt_err err = transform_file(self, &file, sample, out);
    free(file.bytes);
    span_end(SPAN_DECODE, read);
    return err == LT_OK ? LT_OK : lt_fail_in(err, "%s: ", path);
}

static bool known_bad(struct loader *self, int64_t sample)
{
    pthread_mutex_lock(&self->lock);
    bool bad = self->is_bad[sample];
    pthread_mutex_unlock(&self->lock);
    return bad;
}

/* Notes a file that could not be read; an error when there are too many. */
static enum lt_err note_bad(struct loader *self, int64_t sample, const char *reason)
{
    pthread_mutex_lock(&self->lock);
    if (!self->is_bad[sample]) {
        self->is_bad[sample] = true;
        self->bad = memory_grow(self->bad, self->bad_count, &self->bad_capacity, sizeof *self->bad);
        self->bad[self->bad_count++] = (struct bad_file){.sample = sample, .reason = memory_text(reason)};
    }
    double share = (double)self->bad_count / (double)self->view.count;
    pthread_mutex_unlock(&self->lock);
    if (share <= self->options.max_bad) return LT_OK;
    return lt_fail(LT_EDATA,
                   "%zu of %" PRId64 " pictures cannot be read, more than data.max_bad %g allows; the last: %s",
                   self->bad_count, self->view.count, self->options.max_bad, reason);
}

static enum lt_err fail_with_class(const struct loader *self, int64_t sample, enum lt_err err)
{
    const struct sample *s = &self->view.set->sample[sample];
    if (s->class_index < 0) return err;
    return lt_fail(err, "%s (class '%s', picture %" PRId64 "); repair or remove it, or set data.on_bad: skip",
                   lt_message(), self->view.set->class_name[s->class_index], sample);
}

/* The sample at a position of the epoch; with on_bad skip a bad one is stood in for by the next good one of the order.
 */
static enum lt_err make_sample(struct worker *worker, int64_t position, uint8_t *out, int64_t *sample)
{
    struct loader *self = worker->loader;
    for (int64_t i = 0; i < self->view.count; i++) {
        *sample = self->order[(position + i) % self->view.count];
        if (known_bad(self, *sample)) continue;
        enum lt_err err = decode_sample(worker, *sample, out);
        if (err == LT_OK) return LT_OK;
        if (self->options.on_bad == ON_BAD_ERROR) return fail_with_class(self, *sample, err);
        LT_TRY(note_bad(self, *sample, lt_message()));
    }
    return lt_fail(LT_EDATA, "none of the %" PRId64 " pictures can be read; the first: %s", self->view.count,
                   self->view.set->sample[self->order[0]].path);
}

/* ---- tasks: positions of the epoch ---- */

static void run_task(struct worker *worker, int64_t position)
{
    struct loader *self = worker->loader;
    int64_t size = self->options.batch_size, row = position % size;
    struct slot *slot = &self->slot[position / size % self->ring];
    int64_t sample = -1;
    enum lt_err err = make_sample(worker, position, slot->pixels + (size_t)row * self->image_bytes, &sample);
    pthread_mutex_lock(&self->lock);
    self->decoded++;
    slot->sample[row] = sample;
    slot->target[row] = sample >= 0 ? self->view.set->sample[sample].class_index : -1;
    if (err != LT_OK && (slot->failed_row < 0 || row < slot->failed_row)) {
        slot->failed_row = row;
        slot->code = err;
        free(slot->message);
        slot->message = memory_text(lt_message());
    }
    if (--slot->missing == 0) pthread_cond_broadcast(&self->ready);
    pthread_mutex_unlock(&self->lock);
}

/* Is there a sample to decode whose batch has a place in the ring? With the lock held. */
static bool can_claim(const struct loader *self)
{
    const int64_t batch = self->next_task / self->options.batch_size;
    return !self->stop && self->next_task < self->used && batch < self->end && batch < self->taken + self->ring;
}

/* Prepares the slot when its first sample is claimed. With the lock held. */
static int64_t claim(struct loader *self)
{
    int64_t position = self->next_task++, size = self->options.batch_size, number = position / size;
    struct slot *slot = &self->slot[number % self->ring];
    if (position % size == 0) {
        int64_t n = self->used - position < size ? self->used - position : size;
        slot->batch = (struct batch){
            .n = n, .number = number, .pixels = slot->pixels, .target = slot->target, .sample = slot->sample};
        slot->missing = n;
        slot->failed_row = -1;
    }
    return position;
}

static void *work(void *context)
{
    struct worker *worker = context;
    struct loader *self = worker->loader;
    thread_nice(NICE_LEVELS);
    pthread_mutex_lock(&self->lock);
    while (!self->leave) {
        if (!can_claim(self)) {
            pthread_cond_wait(&self->room, &self->lock);
            continue;
        }
        int64_t position = claim(self);
        self->active++;
        pthread_mutex_unlock(&self->lock);
        run_task(worker, position);
        pthread_mutex_lock(&self->lock);
        if (--self->active == 0) pthread_cond_broadcast(&self->ready);
    }
    pthread_mutex_unlock(&self->lock);
    return NULL;
}

/* ---- life ---- */

static enum lt_err make_slots(struct loader *self)
{
    size_t size = (size_t)self->options.batch_size, bytes = size * self->image_bytes;
    self->slot = memory_new((size_t)self->ring, sizeof *self->slot);
    for (int i = 0; i < self->ring; i++) {
        struct slot *slot = &self->slot[i];
        slot->pixels = memory_try(bytes);
        slot->target = memory_new(size, sizeof *slot->target);
        slot->sample = memory_new(size, sizeof *slot->sample);
        slot->batch.number = -1;
        if (!slot->pixels)
            return lt_fail(LT_ENOMEM, "%d batches of %.0f MB do not fit in memory; lower data.batch_size", self->ring,
                           (double)bytes * 1e-6);
    }
    return LT_OK;
}

static enum lt_err start_workers(struct loader *self)
{
    int wanted = self->options.workers;
    self->worker = memory_new(wanted > 0 ? (size_t)wanted : 1, sizeof *self->worker);
    for (int i = 0; i < (wanted > 0 ? wanted : 1); i++) self->worker[i].loader = self;
    for (; self->workers < wanted; self->workers++) {
        char name[24];
        snprintf(name, sizeof name, "data-%d", self->workers);
        LT_TRY(thread_start(&self->worker[self->workers].thread, name, work, &self->worker[self->workers]));
    }
    return LT_OK;
}

enum lt_err loader_new(struct loader **out, const struct view *view, const struct loader_options *options)
{
    struct loader *self = memory_new(1, sizeof *self);
    int64_t size = options->batch_size;
    self->view = *view;
    self->options = *options;
    if (self->options.max_pixels <= 0) self->options.max_pixels = PICTURE_MAX_PIXELS;
    if (self->options.pillow <= 0) self->options.pillow = 13;
    self->ring = options->ring > 0 ? options->ring : RING_DEFAULT;
    pipeline_size(view->pipeline, &self->height, &self->width);
    self->image_bytes = (size_t)self->height * (size_t)self->width * 3;
    self->batches = options->drop_last ? view->count / size : (view->count + size - 1) / size;
    self->used = self->batches * size < view->count ? self->batches * size : view->count;
    self->order = memory_new((size_t)view->count, sizeof *self->order);
    self->is_bad = memory_new((size_t)view->set->samples, sizeof *self->is_bad);
    self->next_task = self->used; /* nothing to do before the first start */
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->room, NULL);
    pthread_cond_init(&self->ready, NULL);
    enum lt_err err = make_slots(self);
    if (err == LT_OK && options->cache) err = cache_open(&self->cache, view->set, self->options.max_pixels);
    if (err == LT_OK) err = start_workers(self);
    if (err == LT_OK)
        *out = self;
    else
        loader_free(self);
    return err;
}

static void stop_workers(struct loader *self)
{
    pthread_mutex_lock(&self->lock);
    self->stop = self->leave = true;
    pthread_cond_broadcast(&self->room);
    pthread_mutex_unlock(&self->lock);
    for (int i = 0; i < self->workers; i++) pthread_join(self->worker[i].thread, NULL);
}

void loader_free(struct loader *self)
{
    if (!self) return;
    stop_workers(self);
    int decoders = self->options.workers > 0 ? self->options.workers : 1;
    for (int i = 0; self->worker && i < decoders; i++) {
        picture_release(&self->worker[i].picture);
        planes_release(&self->worker[i].planes);
        work_release(&self->worker[i].work);
    }
    for (int i = 0; self->slot && i < self->ring; i++) {
        free(self->slot[i].pixels);
        free(self->slot[i].target);
        free(self->slot[i].sample);
        free(self->slot[i].message);
    }
    for (size_t i = 0; i < self->bad_count; i++) free(self->bad[i].reason);
    pthread_mutex_destroy(&self->lock);
    pthread_cond_destroy(&self->room);
    pthread_cond_destroy(&self->ready);
    cache_close(self->cache);
    free(self->worker);
    free(self->slot);
    free(self->bad);
    free(self->is_bad);
    free(self->order);
    free(self);
}

int64_t loader_batches(const struct loader *self)
{
    return self->batches;
}

/* ---- epochs ---- */

static void make_order(struct loader *self, int64_t epoch)
{
    int64_t count = self->view.count;
    if (self->options.shuffle)
        rng_torch_randperm(self->order, count, self->options.seed + (uint64_t)epoch);
    else
        for (int64_t i = 0; i < count; i++) self->order[i] = i;
    for (int64_t i = 0; self->view.index && i < count; i++) self->order[i] = self->view.index[self->order[i]];
}

enum lt_err loader_start(struct loader *self, int64_t epoch, int64_t first_batch, int64_t end_batch)
{
    lt_assert(first_batch >= 0 && first_batch <= self->batches && end_batch >= first_batch);
    pthread_mutex_lock(&self->lock);
    self->stop = true;
    while (self->active > 0) pthread_cond_wait(&self->ready, &self->lock);
    make_order(self, epoch);
    self->epoch = epoch;
    self->taken = first_batch;
    self->end = end_batch < self->batches ? end_batch : self->batches;
    self->next_task = first_batch * self->options.batch_size;
    self->lent = self->stop = false;
    for (int i = 0; i < self->ring; i++) self->slot[i].batch.number = -1;
    pthread_cond_broadcast(&self->room);
    pthread_mutex_unlock(&self->lock);
    return LT_OK;
}

/* Without workers the caller decodes the batch it asks for. */
static void fill_here(struct loader *self)
{
    int64_t end = (self->taken + 1) * self->options.batch_size;
    while (self->next_task < end && self->next_task < self->used) {
        pthread_mutex_lock(&self->lock);
        int64_t position = claim(self);
        pthread_mutex_unlock(&self->lock);
        run_task(&self->worker[0], position);
    }
}

enum lt_err loader_next(struct loader *self, const struct batch **batch)
{
    int64_t begin = clock_ns();
    *batch = NULL;
    pthread_mutex_lock(&self->lock);
    if (self->lent) {
        self->taken++;
        self->lent = false;
        pthread_cond_broadcast(&self->room);
    }
    bool over = self->taken >= self->end;
    pthread_mutex_unlock(&self->lock);
    if (over) return LT_OK;
    if (self->workers == 0) fill_here(self);
    struct slot *slot = &self->slot[self->taken % self->ring];
    pthread_mutex_lock(&self->lock);
    while (slot->batch.number != self->taken || slot->missing > 0) pthread_cond_wait(&self->ready, &self->lock);
    self->lent = true;
    enum lt_err err = slot->failed_row < 0 ? LT_OK : lt_fail(slot->code, "%s", slot->message);
    pthread_mutex_unlock(&self->lock);
    if (err == LT_OK) *batch = &slot->batch;
    span_end(SPAN_DATA, begin);
    return err;
}

/* ---- looking ---- */

struct loader_status loader_status(struct loader *self)
{
    pthread_mutex_lock(&self->lock);
    struct loader_status status = {.ring = self->ring, .decoded = self->decoded, .bad = (int64_t)self->bad_count};
    for (int i = 0; i < self->ring; i++) {
        const struct slot *slot = &self->slot[i];
        status.queued += slot->batch.number >= self->taken + self->lent && slot->missing == 0;
    }
    pthread_mutex_unlock(&self->lock);
    return status;
}

void loader_bad_files(struct loader *self, void (*report)(void *context, const char *reason), void *context)
{
    pthread_mutex_lock(&self->lock);
    for (size_t i = 0; i < self->bad_count; i++) {
        if (self->bad[i].told) continue;
        self->bad[i].told = true;
        report(context, self->bad[i].reason);
    }
    pthread_mutex_unlock(&self->lock);
}
