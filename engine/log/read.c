#include "engine/log/read.h"

#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/base/text.h"
#include "engine/log/hdf5_types.h"
#include "engine/log/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct run_reader {
    char *path;
    hid_t file;
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
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY | H5F_ACC_SWMR_READ, access);
    if (file < 0) file = H5Fopen(path, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    return file;
}

static bool read_facts(struct run_reader *self)
{
    struct run_facts *facts = &self->facts;
    char format[16];
    if (!hdf5_get_text(self->file, "format", format, sizeof format) || strcmp(format, "lathe-log") != 0) return false;
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
    (void)link;
    if (H5Oget_info_by_name2(group, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0) return -1;
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

enum lt_err run_reader_open(struct run_reader **out, const char *folder)
{
    struct run_reader *self = memory_new(1, sizeof *self);
    enum lt_err err = LT_OK;
    hdf5_quiet();
    self->path = path_join(folder, "run.h5");
    self->file = -1;
    if (!path_exists(self->path))
        err = lt_fail(LT_ENOTFOUND, "there is no %s", self->path);
    else if ((self->file = open_any(self->path)) < 0)
        err = hdf5_fail("read", self->path);
    else if (!read_facts(self) || !list_metrics(self))
        err = lt_fail(LT_EFORMAT, "%s is no log of lathe, or it is damaged", self->path);
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

/* Reads a whole one-dimensional dataset of `type` (caller frees). */
static enum lt_err read_rows(struct run_reader *self, hid_t dataset, hid_t type, void **rows, size_t *count)
{
    hsize_t extent[1] = {0};
    hid_t space = H5Dget_space(dataset);
    bool flat = H5Sget_simple_extent_ndims(space) == 1 && H5Sget_simple_extent_dims(space, extent, NULL) == 1;
    H5Sclose(space);
    size_t size = H5Tget_size(type);
    if (!flat || extent[0] > SIZE_MAX / 2 / size) return lt_fail(LT_EFORMAT, "%s is damaged", self->path);
    *rows = memory_try((extent[0] + 1) * size);
    if (!*rows) return lt_fail(LT_ENOMEM, "no memory for %llu rows of %s", (unsigned long long)extent[0], self->path);
    *count = extent[0];
    if (*count == 0 || H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *rows) >= 0) return LT_OK;
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
                                  : read_rows(self, dataset, type, &rows, count);
    if (dataset >= 0) H5Dclose(dataset);
    H5Tclose(type);
    if (err == LT_OK) *point = rows;
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

/* Kinds are compared by name: the file may come from another version. */
static enum lt_err convert_events(struct run_reader *self, hid_t dataset, hid_t type, struct history_event **event,
                                  size_t *count)
{
    int member = H5Tget_member_index(type, "kind");
    void *data = NULL;
    if (H5Tget_size(type) != sizeof(struct event_row) || member < 0)
        return lt_fail(LT_EFORMAT, "%s holds events of another version", self->path);
    LT_TRY(read_rows(self, dataset, type, &data, count));
    hid_t kinds = H5Tget_member_type(type, (unsigned)member);
    const struct event_row *row = data;
    *event = memory_new(*count + 1, sizeof **event);
    for (size_t i = 0; i < *count; i++) {
        int level = row[i].level < LEVEL_INFO || row[i].level > LEVEL_SEVERE ? LEVEL_INFO : row[i].level;
        (*event)[i] = (struct history_event){.step = row[i].step,
                                             .wall = row[i].wall,
                                             .kind = kind_of(kinds, row[i].kind),
                                             .level = (enum event_level)level,
                                             .text = memory_new(sizeof row[i].text + 1, 1)};
        memcpy((*event)[i].text, row[i].text, sizeof row[i].text);
    }
    H5Tclose(kinds);
    free(data);
    return LT_OK;
}

enum lt_err run_reader_events(struct run_reader *self, struct history_event **event, size_t *count)
{
    hid_t dataset = H5Dopen2(self->file, "/events", H5P_DEFAULT);
    if (dataset < 0) return lt_fail(LT_ENOTFOUND, "%s has no events", self->path);
    hid_t type = H5Dget_type(dataset);
    enum lt_err err = convert_events(self, dataset, type, event, count);
    H5Tclose(type);
    H5Dclose(dataset);
    return err;
}
