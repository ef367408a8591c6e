#include "engine/log/hdf5_table.h"

#include "data/base/memory.h"
#include "engine/log/hdf5_types.h"

#include <stdlib.h>
#include <string.h>

enum { CACHE_BYTES = 64 << 10, BLOCK_CACHE_BYTES = 1 << 20, BLOCK_CHUNK_COLUMNS = 16 };

void table_init(struct table *self, const char *path, hid_t type, hsize_t columns, hsize_t chunk)
{
    *self = (struct table){.path = memory_text(path),
                           .type = type,
                           .columns = columns,
                           .chunk = chunk,
                           .dataset = -1,
                           .row_bytes = H5Tget_size(type) * (columns ? columns : 1)};
}

void table_release(struct table *self)
{
    table_close(self);
    if (self->type > 0) H5Tclose(self->type);
    free(self->path);
    free(self->unit);
    free(self->description);
    free(self->rows);
    *self = (struct table){.dataset = -1};
}

size_t table_waiting(const struct table *self)
{
    return (self->first + self->count - self->written) * self->row_bytes;
}

void table_append(struct table *self, const void *row)
{
    if (table_waiting(self) >= TABLE_WAITING_BYTES) {
        self->lost++;
        return;
    }
    self->rows = memory_grow(self->rows, self->count, &self->capacity, self->row_bytes);
    memcpy(self->rows + self->count++ * self->row_bytes, row, self->row_bytes);
}

/* ---- structure ---- */

static int rank(const struct table *self)
{
    return self->columns ? 2 : 1;
}

static hid_t new_properties(const struct table *self)
{
    hsize_t chunk[2] = {self->chunk, self->columns < BLOCK_CHUNK_COLUMNS ? self->columns : BLOCK_CHUNK_COLUMNS};
    hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    if (properties >= 0) H5Pset_chunk(properties, rank(self), chunk);
    return properties;
}

static bool write_attributes(const struct table *self, hid_t dataset)
{
    bool ok = hdf5_put_text(dataset, "units", self->unit ? self->unit : "", 0) &&
              hdf5_put_text(dataset, "description", self->description ? self->description : "", 0);
    if (self->goal) ok = ok && hdf5_put_text(dataset, "goal", self->goal, 0) && hdf5_put_text(dataset, "x", "step", 0);
    return ok;
}

bool table_create(struct table *self, hid_t file)
{
    hsize_t now[2] = {0, self->columns}, most[2] = {H5S_UNLIMITED, self->columns};
    hid_t links = H5Pcreate(H5P_LINK_CREATE), properties = new_properties(self);
    hid_t space = H5Screate_simple(rank(self), now, most);
    H5Pset_create_intermediate_group(links, 1);
    hid_t dataset = H5Dcreate2(file, self->path, self->type, space, links, properties, H5P_DEFAULT);
    bool ok = dataset >= 0 && write_attributes(self, dataset);
    if (dataset >= 0) ok = H5Dclose(dataset) >= 0 && ok;
    H5Sclose(space);
    H5Pclose(properties);
    H5Pclose(links);
    return ok;
}

bool table_open(struct table *self, hid_t file)
{
    hsize_t extent[2] = {0, 0};
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    H5Pset_chunk_cache(access, 521, self->columns ? BLOCK_CACHE_BYTES : CACHE_BYTES, 1.0);
    self->dataset = H5Dopen2(file, self->path, access);
    H5Pclose(access);
    if (self->dataset < 0) return false;
    hid_t space = H5Dget_space(self->dataset);
    bool ok = H5Sget_simple_extent_ndims(space) == rank(self) && H5Sget_simple_extent_dims(space, extent, NULL) >= 0 &&
              (!self->columns || extent[1] == self->columns);
    H5Sclose(space);
    if (!ok) return false;
    if (!self->exists) self->first = self->written = extent[0];
    if (extent[0] < self->written) self->written = extent[0] > self->first ? extent[0] : self->first;
    self->exists = true;
    return true;
}

void table_close(struct table *self)
{
    if (self->dataset >= 0) H5Dclose(self->dataset);
    self->dataset = -1;
}

/* ---- rows ---- */

bool table_write(struct table *self)
{
    uint64_t end = self->first + self->count;
    hsize_t extent[2] = {end, self->columns}, start[2] = {self->written, 0};
    hsize_t count[2] = {end - self->written, self->columns};
    if (end == self->written) return true;
    if (self->dataset < 0 || H5Dset_extent(self->dataset, extent) < 0) return false;
    hid_t file_space = H5Dget_space(self->dataset), memory_space = H5Screate_simple(rank(self), count, NULL);
    bool ok = H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0 &&
              H5Dwrite(self->dataset, self->type, memory_space, file_space, H5P_DEFAULT,
                       self->rows + (self->written - self->first) * self->row_bytes) >= 0;
    H5Sclose(memory_space);
    H5Sclose(file_space);
    if (ok) self->written = end;
    return ok;
}

void table_forget(struct table *self)
{
    uint64_t keep = 2 * self->chunk, known = self->written - self->first;
    if (known < 2 * keep) return; /* move seldom */
    uint64_t gone = known - keep;
    self->count -= gone;
    memmove(self->rows, self->rows + gone * self->row_bytes, self->count * self->row_bytes);
    self->first += gone;
}

void table_doubt(struct table *self)
{
    self->written = self->first;
}

bool table_trim(struct table *self, uint64_t rows)
{
    hsize_t extent[2] = {rows, self->columns};
    if (rows >= self->written) return true;
    if (H5Dset_extent(self->dataset, extent) < 0) return false;
    self->first = self->written = rows;
    self->count = 0;
    return true;
}

int64_t table_rows_up_to(struct table *self, const char *field, int64_t limit)
{
    size_t count = self->written;
    int64_t *value = memory_new(count + 1, sizeof *value), rows = 0;
    hid_t type = H5T_STD_I64LE;
    if (field) {
        type = H5Tcreate(H5T_COMPOUND, sizeof *value);
        H5Tinsert(type, field, 0, H5T_STD_I64LE);
    }
    bool ok = count == 0 || H5Dread(self->dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value) >= 0;
    if (field) H5Tclose(type);
    while (ok && (size_t)rows < count && value[rows] <= limit) rows++;
    free(value);
    return ok ? rows : -1;
}
