/* lathe data check: decodes every picture before a training does, and says what would hurt it: files that cannot be
 * decoded, the same picture in train and val, or in two classes. */
#include "data/base/memory.h"
#include "data/check.h"
#include "engine/config/config.h"
#include "tui/commands/arguments.h"
#include "tui/commands/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FLAG_SPLIT, FLAG_WORKERS, FLAG_HELP };
enum { PARTS_MAX = 3, SHOWN_MAX = 20 };

static const struct flag flags[] = {
    [FLAG_SPLIT] = {"--split", "SHARE", "the share of DIR that is for training (0.8); the rest is for validation"},
    [FLAG_WORKERS] = {"--workers", "N", "threads that decode (all cores)"},
    [FLAG_HELP] = {"--help", NULL, "this text"},
};

static const char *const part_name[PARTS_MAX] = {"train", "val", "test"};

struct survey {
    struct arguments arguments;
    struct config *config;
    struct set *set[PARTS_MAX];
    struct set all; /* samples of all sets; paths are theirs */
    uint8_t *part;  /* [samples] */
    struct checked *checked;
    int64_t problems;
};

static enum lt_err open_part(struct survey *self, int part, const char *folder, bool split, double share, int64_t seed)
{
    if (!folder) return LT_OK;
    LT_TRY(set_open(&self->set[part], "image_folder", folder));
    const struct set *set = self->set[part];
    const int64_t before = self->all.samples, count = set->samples;
    self->all.samples += count;
    self->all.sample = realloc(self->all.sample, (size_t)self->all.samples * sizeof *self->all.sample);
    self->part = realloc(self->part, (size_t)self->all.samples);
    lt_assert(self->all.sample && self->part);
    memcpy(self->all.sample + before, set->sample, (size_t)count * sizeof *set->sample);
    memset(self->part + before, part, (size_t)count);
    if (!split) return LT_OK;
    int64_t *index = memory_new((size_t)count, sizeof *index), train;
    split_indices(index, &train, count, share, (uint64_t)seed);
    for (int64_t i = train; i < count; i++) self->part[before + index[i]] = 1;
    free(index);
    return LT_OK;
}

/* The folder given, or those of the configuration. */
static enum lt_err open_all(struct survey *self)
{
    struct arguments *arguments = &self->arguments;
    const char *share = arguments->value[FLAG_SPLIT];
    char *end;
    const double train = share ? strtod(share, &end) : 0.8;
    if (share && (*end || end == share || !(train >= 0 && train <= 1)))
        return lt_fail(LT_EUSAGE, "--split %s is no share between 0 and 1", share);
    if (arguments->rests + arguments->configs == 0)
        return lt_fail(LT_EUSAGE, "check what? give a folder of class folders, or a configuration with -c");
    if (arguments->rests > 1) return lt_fail(LT_EUSAGE, "one folder, please; '%s' is too much", arguments->rest[1]);
    if (arguments->rests) return open_part(self, 0, arguments->rest[0], true, train, 42);
    LT_TRY(
        config_read(&self->config, arguments->config, arguments->configs, arguments->override, arguments->overrides));
    const struct data_options *data = &self->config->data;
    if (data->data_dir) LT_TRY(open_part(self, 0, data->data_dir, true, data->split.train, data->split.seed));
    LT_TRY(open_part(self, 0, data->train_dir, false, 0, 0));
    LT_TRY(open_part(self, 1, data->val_dir, false, 0, 0));
    LT_TRY(open_part(self, 2, data->test_dir, false, 0, 0));
    return self->all.samples ? LT_OK : lt_fail(LT_EUSAGE, "the configuration names no data folder");
}

static void show_progress(void *context, int64_t done, int64_t all)
{
    (void)context;
    fprintf(stderr, "\r%" PRId64 " of %" PRId64 " pictures checked%s", done, all, done == all ? "\n" : "");
}

/* ---- the report ---- */

static const char *class_of(const struct survey *self, int64_t i)
{
    for (int p = 0; p < PARTS_MAX; p++)
        if (self->set[p]) return self->set[p]->class_name[self->all.sample[i].class_index];
    return "";
}

static void print_classes(const struct survey *self)
{
    const struct set *first = NULL;
    for (int p = PARTS_MAX; p-- > 0;)
        if (self->set[p]) first = self->set[p];
    printf("%-24s %9s %9s %9s %9s\n", "class", "train", "val", "test", "bad");
    for (int32_t k = 0; first && k < first->classes; k++) {
        int64_t count[PARTS_MAX] = {0}, bad = 0;
        for (int64_t i = 0; i < self->all.samples; i++) {
            if (self->all.sample[i].class_index != k) continue;
            count[self->part[i]]++;
            bad += self->checked[i].bad != NULL;
        }
        printf("%-24s %9" PRId64 " %9" PRId64 " %9" PRId64 " %9" PRId64 "\n", first->class_name[k], count[0], count[1],
               count[2], bad);
    }
}

static void print_sizes(const struct survey *self)
{
    int small[2] = {0}, large[2] = {0};
    for (int64_t i = 0; i < self->all.samples; i++) {
        const struct checked *c = &self->checked[i];
        if (c->bad) continue;
        const int64_t pixels = (int64_t)c->width * c->height;
        if (!small[0] || pixels < (int64_t)small[0] * small[1]) small[0] = c->width, small[1] = c->height;
        if (pixels > (int64_t)large[0] * large[1]) large[0] = c->width, large[1] = c->height;
    }
    printf("smallest %dx%d, largest %dx%d pixels\n", small[0], small[1], large[0], large[1]);
}

/* Counts one problem and shows the first of them. */
static bool is_shown(struct survey *self, int64_t *of_this_kind)
{
    self->problems++;
    return (*of_this_kind)++ < SHOWN_MAX;
}

static void print_bad(struct survey *self)
{
    int64_t count = 0;
    for (int64_t i = 0; i < self->all.samples; i++)
        if (self->checked[i].bad && is_shown(self, &count)) printf("bad: %s\n", self->checked[i].bad);
    if (count > SHOWN_MAX) printf("… and %" PRId64 " more bad files\n", count - SHOWN_MAX);
}

/* The same bytes in two parts let a validation lie; in two classes one of them is wrong. Copies within a part and class
 * are counted only. */
static void print_duplicates(struct survey *self)
{
    int64_t count = 0, copies = 0;
    for (int64_t i = 0; i < self->all.samples; i++) {
        const int64_t k = self->checked[i].same_as;
        if (k < 0) continue;
        const bool parts = self->part[i] != self->part[k],
                   classes = self->all.sample[i].class_index != self->all.sample[k].class_index;
        copies += !parts && !classes;
        if ((parts || classes) && is_shown(self, &count))
            printf("same picture: %s (%s, %s) and %s (%s, %s)\n", self->all.sample[k].path, part_name[self->part[k]],
                   class_of(self, k), self->all.sample[i].path, part_name[self->part[i]], class_of(self, i));
    }
    if (count > SHOWN_MAX) printf("… and %" PRId64 " more\n", count - SHOWN_MAX);
    if (copies) printf("%" PRId64 " copies of pictures within their part and class\n", copies);
}

static enum lt_err check(struct survey *self)
{
    const char *workers = self->arguments.value[FLAG_WORKERS];
    char *end = NULL;
    const long threads = workers ? strtol(workers, &end, 10) : 0;
    if (workers && (*end || threads < 1 || threads > 64))
        return lt_fail(LT_EUSAGE, "--workers %s is no number of threads from 1 to 64", workers);
    LT_TRY(open_all(self));
    struct check_options options = {.workers = (int)threads,
                                    .max_pixels = self->config ? self->config->data.max_pixels : INT64_C(178956970),
                                    .progress = isatty(STDERR_FILENO) ? show_progress : NULL};
    LT_TRY(data_check(&self->checked, &self->all, &options));
    print_classes(self);
    print_sizes(self);
    print_bad(self);
    print_duplicates(self);
    printf("%" PRId64 " pictures, %" PRId64 " problem%s\n", self->all.samples, self->problems,
           self->problems == 1 ? "" : "s");
    if (!self->problems) return LT_OK;
    return lt_fail(LT_EDATA, "repair or remove what is listed above; data.on_bad: skip leaves bad files out");
}

static int run(int argc, char **argv)
{
    struct survey self = {0};
    const bool named = argc > 1 && strcmp(argv[1], "check") == 0, help = argc > 1 && strcmp(argv[1], "--help") == 0;
    enum lt_err err = LT_OK;
    if (!named && !help)
        err = lt_fail(LT_EUSAGE, "lathe data does one thing yet: lathe data check DIR");
    else if (named)
        err = arguments_read(&self.arguments, argc - 1, argv + 1, flags, sizeof flags / sizeof *flags);
    if (err == LT_OK && (help || self.arguments.value[FLAG_HELP]))
        arguments_help("lathe data check DIR | -c run.yaml",
                       "Decodes every picture and reports files that cannot be decoded, the same picture in train and "
                       "val or in two classes,\n"
                       "and how many pictures each class has. Exit status 1 when there is a problem.",
                       flags, sizeof flags / sizeof *flags);
    else if (err == LT_OK)
        err = check(&self);
    data_check_free(self.checked, &self.all);
    for (int p = 0; p < PARTS_MAX; p++) set_free(self.set[p]);
    free(self.all.sample), free(self.part);
    config_free(self.config);
    arguments_release(&self.arguments);
    return err == LT_OK ? 0 : command_fail(err);
}

const struct command command_data = {
    .name = "data", .help = "checks pictures before a training (data check DIR)", .run = run};
