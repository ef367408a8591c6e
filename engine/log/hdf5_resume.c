/* Going on with the run.h5 of an earlier part of a run: take over its tables, cut off what is superseded. */
#include "data/base/memory.h"
#include "data/base/text.h"
#include "engine/log/hdf5_schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VARIANTS_MAX = 99 };

/* Every dataset below /metrics is a metric, whether this part of the run declares it or not. */
static herr_t take_metric(hid_t group, const char *name, const H5L_info_t *link, void *context)
{
    (void)link;
    H5O_info_t info;
    if (H5Oget_info_by_name2(group, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0) return -1;
    if (info.type == H5O_TYPE_DATASET)
        schema_metric(context, &(struct metric_info){.name = name, .unit = "", .description = ""});
    return 0;
}

static bool take_metrics(struct schema *self, hid_t file)
{
    if (H5Lexists(file, "/metrics", H5P_DEFAULT) <= 0) return true;
    hid_t group = H5Gopen2(file, "/metrics", H5P_DEFAULT);
    bool ok = group >= 0 && H5Lvisit(group, H5_INDEX_NAME, H5_ITER_NATIVE, take_metric, self) >= 0;
    if (group >= 0) H5Gclose(group);
    return ok;
}

static bool has_names(const struct block *block, hid_t file, const char *path)
{
    struct text where = {0};
    text_add(&where, "%s/name", path);
    hid_t dataset = H5Dopen2(file, text_get(&where), H5P_DEFAULT);
    text_release(&where);
    if (dataset < 0) return false;
    hid_t space = H5Dget_space(dataset), type = hdf5_text_type(HDF5_NAME);
    bool same = H5Sget_simple_extent_npoints(space) == (hssize_t)block->count;
    char *data = memory_new(block->count + 1, HDF5_NAME), name[HDF5_NAME];
    same = same && H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
    for (size_t i = 0; same && i < block->count; i++) {
        hdf5_copy_text(name, sizeof name, block->name[i]);
        same = memcmp(name, data + i * HDF5_NAME, HDF5_NAME) == 0;
    }
    free(data);
    H5Tclose(type);
    H5Sclose(space);
    H5Dclose(dataset);
    return same;
}

static void move_part(struct table *part, const char *path)
{
    const char *name = strrchr(part->path, '/');
    struct text moved = {0};
    text_add(&moved, "%s%s", path, name);
    free(part->path);
    part->path = text_detach(&moved);
}

/* The first of PATH, PATH.2, PATH.3 … that has these names or is free. */
static bool place_block(struct block *block, hid_t file)
{
    struct text path = {0};
    bool placed = block->count == 0;
    for (int variant = 1; !placed && variant <= VARIANTS_MAX; variant++) {
        text_clear(&path);
        text_add(&path, "%s", block->path);
        if (variant > 1) text_add(&path, ".%d", variant);
        placed = H5Oexists_by_name(file, text_get(&path), H5P_DEFAULT) <= 0 || has_names(block, file, text_get(&path));
    }
    if (placed && block->count) {
        move_part(block->step, text_get(&path));
        move_part(block->wall, text_get(&path));
        move_part(block->value, text_get(&path));
        free(block->path);
        block->path = text_detach(&path);
    }
    text_release(&path);
    return placed;
}

/* The file's own enumeration of events: names count, an unknown one is written as a note. */
static bool take_event_kinds(struct schema *self)
{
    hid_t type = H5Dget_type(self->events->dataset);
    int member = H5Tget_member_index(type, "kind");
    if (H5Tget_size(type) != sizeof(struct event_row) || member < 0) return false;
    hid_t kind = H5Tget_member_type(type, (unsigned)member);
    int32_t note = 0;
    H5Tenum_valueof(kind, event_name(EVENT_NOTE), &note);
    for (int i = 0; i < EVENT_KINDS; i++)
        if (H5Tenum_valueof(kind, event_name((enum event_kind)i), &self->event_value[i]) < 0)
            self->event_value[i] = note;
    H5Tclose(kind);
    H5Tclose(self->events->type);
    self->events->type = type;
    return true;
}

static bool cut(struct schema *self, struct table *table, int64_t step)
{
    const char *field = table == self->epochs ? "step_last" : "step";
    int64_t rows = table_rows_up_to(table, field, step);
    return rows >= 0 && table_trim(table, (uint64_t)rows);
}

/* A block's parts are cut alike; after a crash they may differ in length. */
static bool cut_block(struct block *block, int64_t step)
{
    if (block->count == 0 || !block->step->exists) return true;
    int64_t rows = table_rows_up_to(block->step, NULL, step);
    if (rows < 0) return false;
    uint64_t keep = (uint64_t)rows;
    if (block->wall->written < keep) keep = block->wall->written;
    if (block->value->written < keep) keep = block->value->written;
    return table_trim(block->step, keep) && table_trim(block->wall, keep) && table_trim(block->value, keep);
}

static bool is_part_of_block(const struct schema *self, const struct table *table)
{
    for (int i = 0; i < FAMILIES; i++)
        if (table == self->block[i].step || table == self->block[i].wall || table == self->block[i].value) return true;
    return false;
}

bool schema_resume(struct schema *self, hid_t file, int64_t step)
{
    if (!take_metrics(self, file)) return false;
    for (int i = 0; i < FAMILIES; i++)
        if (!place_block(&self->block[i], file)) return false;
    for (size_t i = 0; i < self->tables; i++) {
        struct table *table = self->table[i];
        if (H5Oexists_by_name(file, table->path, H5P_DEFAULT) <= 0) continue;
        if (!table_open(table, file)) return false;
        if (is_part_of_block(self, table)) continue;
        if (!cut(self, table, step)) return false;
    }
    for (int i = 0; i < FAMILIES; i++)
        if (!cut_block(&self->block[i], step)) return false;
    bool ok = !self->events->exists || take_event_kinds(self);
    schema_close(self);
    return ok;
}
