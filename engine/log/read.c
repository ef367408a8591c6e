#include "engine/log/read.h"

#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/base/text.h"
#include "engine/log/hdf5_types.h"
#include "engine/log/history.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    READ_ATTEMPTS =
        20, /* of what a writer is just changing, each twice as late: a millisecond; HDF5's own 100 never end */
    NAMES_MAX = 1 << 16,
    CONFIG_MAX = 16 << 20,
    ROWS_PER_BYTE = 64 /* more is no compression, but damage */
};

struct run_reader {
    char *path;
    hid_t file;
    int64_t bytes; /* of the file */
    struct run_facts facts;
    char **metric;
    size_t metrics, capacity;
    char unit[64], description[256]; /* of run_reader_info */
};

/* ---- opening ---- */

static hid_t open_any(const char *path)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    H5Pset_file_locking(access, 0, 1);
    H5Pset_metadata_read_attempts(access, READ_ATTEMPTS);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, access);
    if (file < 0) file = H5Fopen(path, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    return file;
}

static bool is_ours(struct run_reader *self)
{
    char format[16];
    return hdf5_get_text(self->file, "format", format, sizeof format) && strcmp(format, "lathe-log") == 0;
}

static bool read_facts(struct run_reader *self)
{
    struct run_facts *facts = &self->facts;
    hdf5_get_text(self->file, "name", facts->name, sizeof facts->name);
    hdf5_get_text(self->file, "model", facts->model, sizeof facts->model);
    hdf5_get_text(self->file, "device", facts->device, sizeof facts->device);
    hdf5_get_text(self->file, "precision", facts->precision, sizeof facts->precision);
    hdf5_get_text(self->file, "host", facts->host, sizeof facts->host);
    hdf5_get_text(self->file, "state", facts->state, sizeof facts->state);
    hdf5_get_integer(self->file, "last_step", &facts->last_step);
    hdf5_get_integer(self->file, "resumes", &facts->resumes);
    return hdf5_get_real(self->file, "created", &facts->created) &&
           hdf5_get_real(self->file, "heartbeat", &facts->heartbeat);
}

static herr_t note_metric(hid_t group, const char *name, const H5L_info_t *link, void *context)
{
    struct run_reader *self = context;
    H5O_info_t info;
    if (link->type != H5L_TYPE_HARD) return 0; /* lathe makes no others, and they may lead out of the file */
    if (H5Oget_info_by_name2(group, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0) return 0;
    if (info.type != H5O_TYPE_DATASET) return 0;
    self->metric = memory_grow(self->metric, self->metrics, &self->capacity, sizeof *self->metric);
    self->metric[self->metrics++] = memory_text(name);
    return 0;
}

static bool list_metrics(struct run_reader *self)
{
    if (H5Lexists(self->file, "/metrics", H5P_DEFAULT) <= 0) return true;
    hid_t group = H5Gopen2(self->file, "/metrics", H5P_DEFAULT);
    bool ok = group >= 0 && H5Lvisit(group, H5_INDEX_NAME, H5_ITER_INC, note_metric, self) >= 0;
    if (group >= 0) H5Gclose(group);
    return ok;
}

/* Why the file could not be opened, as a person would ask. */
static enum lt_err explain(const struct run_reader *self)
{
    if (hdf5_says_truncated())
        return lt_fail(LT_EDATA, "%s ends too early: it was cut short; copy it again", self->path);
    hdf5_fail("read", self->path);
    if (H5Fis_hdf5(self->path) <= 0) return lt_fail(LT_EFORMAT, "%s is no HDF5 file, so no log of a run", self->path);
    return lt_fail_in(LT_EIO, "is it damaged, or a run just starting? ");
}

static enum lt_err open_file(struct run_reader *self)
{
    struct stat st;
    if (stat(self->path, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR ? lt_fail(LT_ENOTFOUND, "there is no %s", self->path)
                                                   : lt_fail_errno("read", self->path);
    if (!S_ISREG(st.st_mode)) return lt_fail(LT_EFORMAT, "%s is no file", self->path);
    if (access(self->path, R_OK) != 0) return lt_fail_errno("read", self->path);
    self->bytes = st.st_size;
    self->file = open_any(self->path);
    if (self->file < 0) return explain(self);
    if (!is_ours(self))
        return lt_fail(LT_EFORMAT, "%s was written by another program: it is no log of a run", self->path);
    if (!read_facts(self) || !list_metrics(self)) return lt_fail(LT_EFORMAT, "%s is damaged", self->path);
    return LT_OK;
}

enum lt_err run_reader_open(struct run_reader **out, const char *path)
{
    struct run_reader *self = memory_new(1, sizeof *self);
    hdf5_quiet();
    self->path = path_is_folder(path) ? path_join(path, "run.h5") : memory_text(path);
    self->file = -1;
    enum lt_err err = open_file(self);
    if (err == LT_OK)
        *out = self;
    else
        run_reader_close(self);
    return err;
}

void run_reader_close(struct run_reader *self)
{
    if (!self) return;
    if (self->file >= 0) H5Fclose(self->file);
    for (size_t i = 0; i < self->metrics; i++) free(self->metric[i]);
    free(self->metric);
    free(self->path);
    free(self);
}

const struct run_facts *run_reader_facts(const struct run_reader *self)
{
    return &self->facts;
}

size_t run_reader_metrics(const struct run_reader *self)
{
    return self->metrics;
}

const char *run_reader_metric(const struct run_reader *self, size_t i)
{
    return self->metric[i];
}

/* ---- rows ---- */

static hid_t open_metric(struct run_reader *self, const char *metric)
{
    struct text path = {0};
    text_add(&path, "/metrics/%s", metric);
    hid_t dataset = H5Dopen2(self->file, text_get(&path), H5P_DEFAULT);
    text_release(&path);
    return dataset;
}

bool run_reader_info(struct run_reader *self, const char *metric, struct metric_info *info)
{
    char goal[8] = "";
    hid_t dataset = open_metric(self, metric);
    if (dataset < 0) return false;
    hdf5_get_text(dataset, "units", self->unit, sizeof self->unit);
    hdf5_get_text(dataset, "description", self->description, sizeof self->description);
    hdf5_get_text(dataset, "goal", goal, sizeof goal);
    H5Dclose(dataset);
    *info = (struct metric_info){.name = metric, .unit = self->unit, .description = self->description};
    if (strcmp(goal, "min") == 0) info->goal = GOAL_MIN;
    if (strcmp(goal, "max") == 0) info->goal = GOAL_MAX;
    return true;
}

/* The size of a dataset of `rank` dimensions; false when it cannot be true. */
static bool get_extent(const struct run_reader *self, hid_t dataset, int rank, hsize_t extent[2])
{
    hid_t space = H5Dget_space(dataset);
    bool ok = space >= 0 && H5Sget_simple_extent_ndims(space) == rank &&
              H5Sget_simple_extent_dims(space, extent, NULL) == rank &&
              extent[0] <= (hsize_t)self->bytes * ROWS_PER_BYTE / (extent[1] ? extent[1] : 1);
    if (space >= 0) H5Sclose(space);
    return ok;
}

/* Reads rows first … first + count - 1 into zeroed memory; columns 0: of a one-dimensional dataset. */
static bool read_slab(hid_t dataset, hid_t type, hsize_t first, hsize_t count, hsize_t columns, void *rows)
{
    const int rank = columns ? 2 : 1;
    hsize_t start[2] = {first, 0}, size[2] = {count, columns};
    hid_t file_space = H5Dget_space(dataset), memory_space = H5Screate_simple(rank, size, NULL);
    bool ok = file_space >= 0 && memory_space >= 0 &&
              H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, size, NULL) >= 0 &&
              H5Dread(dataset, type, memory_space, file_space, H5P_DEFAULT, rows) >= 0;
    if (file_space >= 0) H5Sclose(file_space);
    if (memory_space >= 0) H5Sclose(memory_space);
    return ok;
}

/* Reads a one-dimensional dataset of `type` from row `first` on (caller frees). */
static enum lt_err read_rows(struct run_reader *self, hid_t dataset, hid_t type, size_t first, void **rows,
                             size_t *count)
{
    hsize_t extent[2] = {0};
    size_t size = H5Tget_size(type);
    if (size == 0 || !get_extent(self, dataset, 1, extent)) return lt_fail(LT_EFORMAT, "%s is damaged", self->path);
    *count = extent[0] > first ? extent[0] - first : 0;
    *rows = *count < SIZE_MAX / 2 / size ? calloc(*count + 1, size) : NULL;
    if (!*rows) return lt_fail(LT_ENOMEM, "no memory for %zu rows of %s", *count, self->path);
    if (*count == 0 || read_slab(dataset, type, first, *count, 0, *rows)) return LT_OK;
    free(*rows);
    *rows = NULL;
    hdf5_fail("read", self->path);
    return LT_EIO;
}

/* struct wire_point and a row of a metric are the same three numbers. */
_Static_assert(sizeof(struct wire_point) == sizeof(struct scalar_row), "a point is a row");

enum lt_err run_reader_points(struct run_reader *self, const char *metric, struct wire_point **point, size_t *count)
{
    hid_t dataset = open_metric(self, metric), type = hdf5_scalar_type();
    void *rows = NULL;
    enum lt_err err = dataset < 0 ? lt_fail(LT_ENOTFOUND, "%s has no metric %s", self->path, metric)
                                  : read_rows(self, dataset, type, 0, &rows, count);
    if (dataset >= 0) H5Dclose(dataset);
    H5Tclose(type);
    if (err == LT_OK) *point = rows;
    return err;
}

static enum lt_err read_some(struct run_reader *self, hid_t dataset, size_t first, size_t max, struct wire_point *point,
                             size_t *count)
{
    hsize_t extent[2] = {0};
    if (!get_extent(self, dataset, 1, extent)) return lt_fail(LT_EFORMAT, "%s is damaged", self->path);
    size_t left = extent[0] > first ? extent[0] - first : 0;
    *count = left < max ? left : max;
    if (*count == 0) return LT_OK;
    memset(point, 0, *count * sizeof *point); /* a file of another shape fills in only what it has */
    hid_t type = hdf5_scalar_type();
    bool ok = read_slab(dataset, type, first, *count, 0, point);
    H5Tclose(type);
    return ok ? LT_OK : hdf5_fail("read", self->path);
}

enum lt_err run_reader_rows(struct run_reader *self, const char *metric, size_t first, size_t max,
                            struct wire_point *point, size_t *count)
{
    hid_t dataset = open_metric(self, metric);
    if (dataset < 0) return lt_fail(LT_ENOTFOUND, "%s has no metric %s", self->path, metric);
    enum lt_err err = read_some(self, dataset, first, max, point, count);
    H5Dclose(dataset);
    return err;
}

bool run_reader_best(struct run_reader *self, const char *metric, double *value, int64_t *step)
{
    struct metric_info info;
    struct wire_point *point;
    size_t count;
    if (!run_reader_info(self, metric, &info) || run_reader_points(self, metric, &point, &count) != LT_OK) return false;
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(point[i].value)) continue;
        if (found && info.goal == GOAL_MIN && point[i].value >= *value) continue;
        if (found && info.goal == GOAL_MAX && point[i].value <= *value) continue;
        *value = point[i].value;
        *step = point[i].step;
        found = true;
    }
    free(point);
    return found;
}

static enum event_kind kind_of(hid_t type, int32_t value)
{
    for (int32_t i = 0; i < EVENT_KINDS; i++) {
        int32_t theirs;
        if (H5Tenum_valueof(type, event_name((enum event_kind)i), &theirs) >= 0 && theirs == value)
            return (enum event_kind)i;
    }
    return EVENT_NOTE;
}

static struct history_event convert_event(hid_t kinds, const struct event_row *row)
{
    int level = row->level < LEVEL_INFO || row->level > LEVEL_SEVERE ? LEVEL_INFO : row->level;
    struct history_event event = {.step = row->step,
                                  .wall = row->wall,
                                  .kind = kind_of(kinds, row->kind),
                                  .level = (enum event_level)level,
                                  .text = memory_new(sizeof row->text + 1, 1)};
    memcpy(event.text, row->text, sizeof row->text);
    return event;
}

/* Kinds are compared by name: the file may come from another version. */
static enum lt_err convert_events(struct run_reader *self, hid_t dataset, hid_t type, size_t first,
                                  struct history_event **event, size_t *count)
{
    void *data = NULL;
    int member = H5Tget_class(type) == H5T_COMPOUND ? H5Tget_member_index(type, "kind") : -1;
    hid_t ours = hdf5_event_type();
    bool same = member >= 0 && H5Tget_size(type) == sizeof(struct event_row) &&
                H5Tget_member_offset(type, (unsigned)member) == offsetof(struct event_row, kind) &&
                H5Tget_nmembers(type) == H5Tget_nmembers(ours);
    H5Tclose(ours);
    hid_t kinds = same ? H5Tget_member_type(type, (unsigned)member) : -1;
    if (kinds < 0 || H5Tget_class(kinds) != H5T_ENUM || H5Tdetect_class(type, H5T_VLEN) != 0 ||
        H5Tget_size(kinds) != sizeof(int32_t))
        return lt_fail(LT_EFORMAT, "%s holds events of another version", self->path);
    enum lt_err err = read_rows(self, dataset, type, first, &data, count);
    const struct event_row *row = data;
    if (err == LT_OK) *event = memory_new(*count + 1, sizeof **event);
    for (size_t i = 0; err == LT_OK && i < *count; i++) (*event)[i] = convert_event(kinds, &row[i]);
    H5Tclose(kinds);
    free(data);
    return err;
}

enum lt_err run_reader_events(struct run_reader *self, size_t first, struct history_event **event, size_t *count)
{
    hid_t dataset = H5Dopen2(self->file, "/events", H5P_DEFAULT);
    if (dataset < 0) return lt_fail(LT_ENOTFOUND, "%s has no events", self->path);
    hid_t type = H5Dget_type(dataset);
    enum lt_err err = convert_events(self, dataset, type, first, event, count);
    H5Tclose(type);
    H5Dclose(dataset);
    return err;
}

enum lt_err run_reader_epochs(struct run_reader *self, struct log_epoch_row **epoch, size_t *count)
{
    hid_t dataset = H5Dopen2(self->file, "/epochs", H5P_DEFAULT);
    if (dataset < 0) return lt_fail(LT_ENOTFOUND, "%s has no epochs", self->path);
    void *rows = NULL;
    hid_t type = hdf5_epoch_type();
    enum lt_err err = read_rows(self, dataset, type, 0, &rows, count);
    H5Tclose(type);
    H5Dclose(dataset);
    *epoch = rows;
    return err;
}

char *run_reader_config(struct run_reader *self)
{
    hid_t dataset = H5Dopen2(self->file, "/hparams_json", H5P_DEFAULT);
    hid_t type = dataset >= 0 ? H5Dget_type(dataset) : -1, space = dataset >= 0 ? H5Dget_space(dataset) : -1;
    size_t size = type >= 0 && H5Tget_class(type) == H5T_STRING && !H5Tis_variable_str(type) ? H5Tget_size(type) : 0;
    char *text = NULL;
    if (size > 0 && size <= CONFIG_MAX && H5Sget_simple_extent_npoints(space) == 1) {
        text = memory_new(size + 1, 1);
        if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) < 0) text[0] = 0;
    }
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    if (dataset >= 0) H5Dclose(dataset);
    if (text && text[0]) return text;
    free(text);
    return memory_text("{}");
}

/* ---- families ---- */

static hid_t open_part(struct run_reader *self, const char *family, const char *part)
{
    struct text path = {0};
    text_add(&path, "%s/%s", family, part);
    hid_t dataset = H5Oexists_by_name(self->file, family, H5P_DEFAULT) > 0
                        ? H5Dopen2(self->file, text_get(&path), H5P_DEFAULT)
                        : -1;
    text_release(&path);
    return dataset;
}

static bool read_names(struct run_reader *self, struct run_family *family)
{
    hsize_t extent[2] = {0};
    hid_t dataset = open_part(self, family->path, "name"), type = hdf5_text_type(HDF5_NAME);
    char *all = NULL;
    bool ok = dataset >= 0 && get_extent(self, dataset, 1, extent) && extent[0] >= 1 && extent[0] <= NAMES_MAX;
    if (ok) all = memory_new(extent[0], HDF5_NAME);
    ok = ok && read_slab(dataset, type, 0, extent[0], 0, all);
    if (ok) family->name = memory_new(extent[0], sizeof *family->name);
    for (size_t i = 0; ok && i < extent[0]; i++) {
        family->name[i] = memory_new(HDF5_NAME + 1, 1);
        memcpy(family->name[family->names++], all + i * HDF5_NAME, HDF5_NAME);
    }
    free(all);
    H5Tclose(type);
    if (dataset >= 0) H5Dclose(dataset);
    return ok;
}

/* The rows that all three parts have: after a crash they may differ in length. */
static bool count_rows(struct run_reader *self, struct run_family *family)
{
    static const char *const part[] = {"step", "wall", "value"};
    family->rows = SIZE_MAX;
    for (int i = 0; i < 3; i++) {
        hsize_t extent[2] = {0};
        hid_t dataset = open_part(self, family->path, part[i]);
        bool ok = dataset >= 0 && get_extent(self, dataset, i == 2 ? 2 : 1, extent) &&
                  (i < 2 || extent[1] == family->names);
        if (dataset >= 0) H5Dclose(dataset);
        if (!ok) return false;
        if (extent[0] < family->rows) family->rows = extent[0];
    }
    return true;
}

enum lt_err run_reader_family(struct run_reader *self, const char *path, int variant, struct run_family *family)
{
    struct text full = {0};
    text_add(&full, "%s", path);
    if (variant > 1) text_add(&full, ".%d", variant);
    *family = (struct run_family){.path = text_detach(&full)};
    if (read_names(self, family) && count_rows(self, family)) return LT_OK;
    run_family_release(family);
    return lt_fail(LT_ENOTFOUND, "%s has no %s", self->path, path);
}

void run_family_release(struct run_family *self)
{
    for (size_t i = 0; i < self->names; i++) free(self->name[i]);
    free(self->name);
    free(self->path);
    *self = (struct run_family){0};
}

enum lt_err run_reader_family_rows(struct run_reader *self, const struct run_family *family, size_t first, size_t count,
                                   struct run_family_rows *rows)
{
    if (count == 0) return LT_OK;
    hid_t step = open_part(self, family->path, "step"), wall = open_part(self, family->path, "wall"),
          value = open_part(self, family->path, "value");
    bool ok = step >= 0 && wall >= 0 && value >= 0 && read_slab(step, H5T_STD_I64LE, first, count, 0, rows->step) &&
              read_slab(wall, H5T_IEEE_F64LE, first, count, 0, rows->wall) &&
              read_slab(value, H5T_IEEE_F32LE, first, count, family->names, rows->value);
    if (step >= 0) H5Dclose(step);
    if (wall >= 0) H5Dclose(wall);
    if (value >= 0) H5Dclose(value);
    return ok ? LT_OK : hdf5_fail("read", self->path);
}
