/* BYTES TO BATCHES. Front door of the room: a set (which files, which classes), a view of it (which samples, in which
 * transforms), a loader (threads that turn a view into batches in a fixed order).
 * Invariant: what a batch holds is a pure function of (set, view, seed, epoch, batch number), never of the workers or
 * their timing. Threads: sets and views are read-only once made; a loader is used from one thread and owns its workers.
 */
#pragma once

#include "data/base/err.h"
#include "data/base/setting.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- sets: rows of sets/sets.def ---- */

struct sample {
    const char *path;    /* of the file */
    int32_t class_index; /* -1 = unknown (predict) */
};

struct set {
    char *root;
    char **class_name; /* sorted; index = class */
    int32_t classes;
    struct sample *sample;
    int64_t samples;
    uint64_t hash; /* of the file list (paths below the root, classes), to refuse a resume on a changed list */
};

/* Opens a set by row name ("image_folder") at `root`. Errors name folder or file and what to do. */
enum lt_err set_open(struct set **self, const char *name, const char *root) LT_MUST_CHECK;

/* A set of given files without classes (predict); class_names may be NULL. Folders are searched. */
enum lt_err set_of_files(struct set **self, char *const *path, size_t count) LT_MUST_CHECK;
void set_free(struct set *self);

/* ---- transforms: rows of transforms/transforms.def ---- */

struct pipeline; /* a list of transforms bound to a view */

/* Reads `train_transforms: [...]`. The last transform may be normalize: it is not applied to pixels but handed to the
 * model's first instruction (mean, std). The pipeline must end in one size; else an error that says so. */
enum lt_err pipeline_read(struct pipeline **self, const struct setting *list) LT_MUST_CHECK;
void pipeline_free(struct pipeline *self);
void pipeline_size(const struct pipeline *self, int *height, int *width);
void pipeline_normalize(const struct pipeline *self, double mean[3], double std[3]);

/* ---- views ---- */

struct view {
    const struct set *set;
    const int64_t *index; /* samples of the set, in file order of the split; NULL = all */
    int64_t count;
    const struct pipeline *pipeline;
};

/* torch.utils.data.random_split(n, [floor(f n), rest], generator seeded with `seed`): index[n], the first part is
 * train. */
void split_indices(int64_t *index, int64_t *train_count, int64_t n, double train_fraction, uint64_t seed);

/* ---- loader ---- */

enum on_bad { ON_BAD_ERROR, ON_BAD_SKIP };

struct loader_options {
    int64_t batch_size;
    bool shuffle, drop_last;
    int workers;   /* 0 = the caller's thread decodes */
    uint64_t seed; /* order: torch.randperm seeded with seed + epoch; augmentation: Philox (seed, epoch, sample) */
    enum on_bad on_bad;
    double max_bad;     /* skip: stop above this share of bad files */
    int64_t max_pixels; /* refuse larger pictures before allocating */
    int pillow;         /* 13 or 12: pass order of resize */
    bool fast;          /* JPEGs that are scaled are decoded in planes (PSNR about 47 dB), not to Pillow's pixels */
    int ring;           /* batches decoded ahead; 0 = 4 */
    bool cache;         /* keep decoded pictures in a file (data/loader/cache.h) */
};

struct batch {
    int64_t n;             /* samples */
    int64_t number;        /* in its epoch, from 0 */
    const uint8_t *pixels; /* [n, h, w, 3] */
    const int32_t *target; /* [n]; -1 = unknown */
    const int64_t *sample; /* [n]: index in the set */
};

struct loader;

enum lt_err loader_new(struct loader **self, const struct view *view,
                       const struct loader_options *options) LT_MUST_CHECK;
void loader_free(struct loader *self);
int64_t loader_batches(const struct loader *self);

/* Starts an epoch at a batch number (0, or where a checkpoint was taken) and ends the one before. Batches from
 * end_batch on are neither handed out nor decoded; past the last means all. */
enum lt_err loader_start(struct loader *self, int64_t epoch, int64_t first_batch, int64_t end_batch) LT_MUST_CHECK;

/* Lends the next batch until the following call; *batch = NULL at the end. Records SPAN_DATA for the wait. */
enum lt_err loader_next(struct loader *self, const struct batch **batch) LT_MUST_CHECK;

struct loader_status {
    int64_t queued, ring; /* batches ready, capacity */
    int64_t decoded;      /* pictures since the loader was made */
    int64_t bad;          /* files skipped */
};
struct loader_status loader_status(struct loader *self);

/* Calls `report` for each bad file found since the last call; the reason names the file. */
void loader_bad_files(struct loader *self, void (*report)(void *context, const char *reason), void *context);
