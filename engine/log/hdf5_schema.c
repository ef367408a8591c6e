#include "engine/log/hdf5_schema.h"

#include "data/base/clock.h"
#include "data/base/memory.h"
#include "data/base/text.h"
#include "engine/log/hdf5_hparams.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    METRIC_CHUNK = 256,
    BLOCK_CHUNK = 256,
    RARE_CHUNK = 64,
    HEADER_TEXT = 8192,
    HEADROOM = 1 << 20,
    INDEX_BYTES = 8192
};

/* ---- tables ---- */

static struct table *add_table(struct schema *self, const char *path, hid_t type, hsize_t columns, hsize_t chunk)
{
    self->table = memory_grow(self->table, self->tables, &self->capacity, sizeof *self->table);
    struct table *table = self->table[self->tables++] = memory_new(1, sizeof *table);
    table_init(table, path, type, columns, chunk);
    return table;
}

static struct table *find_table(const struct schema *self, const char *path)
{
    for (size_t i = 0; i < self->tables; i++)
        if (strcmp(self->table[i]->path, path) == 0) return self->table[i];
    return NULL;
}

struct table *schema_metric(struct schema *self, const struct metric_info *info)
{
    static const char *const goal[] = {[GOAL_NONE] = "none", [GOAL_MIN] = "min", [GOAL_MAX] = "max"};
    struct text path = {0};
    text_add(&path, "/metrics/%s", info->name);
    struct table *table = find_table(self, text_get(&path));
    if (!table) {
        table = add_table(self, text_get(&path), hdf5_scalar_type(), 0, METRIC_CHUNK);
        table->unit = memory_text(info->unit);
        table->description = memory_text(info->description);
        table->goal = goal[info->goal];
    }
    text_release(&path);
    return table;
}

/* ---- blocks ---- */

static struct table *add_part(struct schema *self, const struct block *block, const char *part, hid_t type)
{
    bool is_value = strcmp(part, "value") == 0;
    struct text path = {0};
    text_add(&path, "%s/%s", block->path, part);
    struct table *table = add_table(self, text_get(&path), H5Tcopy(type), is_value ? block->count : 0, BLOCK_CHUNK);
    if (is_value) table->unit = memory_text(block->unit);
    text_release(&path);
    return table;
}

static void init_block(struct schema *self, enum log_family which, const struct log_run *run)
{
    struct block *block = &self->block[which];
    const struct family *family = family_at(which);
    *block = (struct block){.path = memory_text(family->path), .unit = family->unit, .count = family_width(which, run)};
    block->name = memory_new(block->count + 1, sizeof *block->name);
    for (size_t i = 0; i < block->count; i++) block->name[i] = memory_text(family_column(which, run, i));
    if (block->count == 0) return;
    block->step = add_part(self, block, "step", H5T_STD_I64LE);
    block->wall = add_part(self, block, "wall", H5T_IEEE_F64LE);
    block->value = add_part(self, block, "value", H5T_IEEE_F32LE);
}

static void release_block(struct block *block)
{
    for (size_t i = 0; i < block->count; i++) free(block->name[i]);
    free(block->name);
    free(block->path);
}

void block_append(struct block *self, int64_t step, double wall, const double *value)
{
    if (self->count == 0) return;
    float *row = memory_new(self->count, sizeof *row);
    for (size_t i = 0; i < self->count; i++) row[i] = (float)value[i];
    table_append(self->step, &step);
    table_append(self->wall, &wall);
    table_append(self->value, row);
    free(row);
}

static bool create_names(const struct block *block, hid_t file)
{
    struct text path = {0};
    text_add(&path, "%s/name", block->path);
    bool ok = hdf5_write_names(file, text_get(&path), (const char *const *)block->name, block->count);
    text_release(&path);
    return ok;
}

/* ---- the whole ---- */

void schema_init(struct schema *self, const struct log_run *run)
{
    *self = (struct schema){0};
    for (int32_t i = 0; i < EVENT_KINDS; i++) self->event_value[i] = i;
    self->events = add_table(self, "/events", hdf5_event_type(), 0, RARE_CHUNK);
    self->epochs = add_table(self, "/epochs", hdf5_epoch_type(), 0, RARE_CHUNK);
    for (int i = 0; i < FAMILIES; i++) init_block(self, (enum log_family)i, run);
}

void schema_release(struct schema *self)
{
    for (size_t i = 0; i < self->tables; i++) {
        table_release(self->table[i]);
        free(self->table[i]);
    }
    free(self->table);
    for (int i = 0; i < FAMILIES; i++) release_block(&self->block[i]);
    *self = (struct schema){0};
}

bool schema_is_complete(const struct schema *self)
{
    for (size_t i = 0; i < self->tables; i++)
        if (!self->table[i]->exists) return false;
    return true;
}

bool schema_create(struct schema *self, hid_t file)
{
    bool ok = true;
    for (int i = 0; ok && i < FAMILIES; i++)
        if (self->block[i].count && !self->block[i].value->exists) ok = create_names(&self->block[i], file);
    for (size_t i = 0; ok && i < self->tables; i++)
        if (!self->table[i]->exists) ok = table_create(self->table[i], file);
    return ok;
}

bool schema_open(struct schema *self, hid_t file)
{
    for (size_t i = 0; i < self->tables; i++) {
        struct table *table = self->table[i];
        if (!table->exists && H5Oexists_by_name(file, table->path, H5P_DEFAULT) <= 0) continue;
        if (!table_open(table, file)) return false;
    }
    return true;
}

void schema_close(struct schema *self)
{
    for (size_t i = 0; i < self->tables; i++) table_close(self->table[i]);
}

bool schema_write(struct schema *self)
{
    for (size_t i = 0; i < self->tables; i++)
        if (self->table[i]->exists && !table_write(self->table[i])) return false;
    return true;
}

void schema_forget(struct schema *self)
{
    for (size_t i = 0; i < self->tables; i++) table_forget(self->table[i]);
}

void schema_doubt(struct schema *self)
{
    for (size_t i = 0; i < self->tables; i++) table_doubt(self->table[i]);
}

uint64_t schema_lost(const struct schema *self)
{
    uint64_t lost = 0;
    for (size_t i = 0; i < self->tables; i++) lost += self->table[i]->lost;
    return lost;
}

uint64_t schema_waiting(const struct schema *self)
{
    uint64_t bytes = HEADROOM;
    for (size_t i = 0; i < self->tables; i++) {
        const struct table *table = self->table[i];
        uint64_t rows = table->first + table->count - table->written;
        if (rows) bytes += (rows + table->chunk) * table->row_bytes + INDEX_BYTES;
    }
    return bytes;
}

void schema_event(struct schema *self, const struct event_row *row, enum event_kind kind)
{
    struct event_row stored = *row;
    stored.kind = self->event_value[kind];
    table_append(self->events, &stored);
}

/* ---- attributes of the run ---- */

static bool write_identity(hid_t file, const struct log_run *run)
{
    uint64_t id = (uint64_t)clock_ns();
    char host[256] = "", id_text[20];
    struct text argv = {0};
    if (getrandom(&id, sizeof id, GRND_NONBLOCK) != sizeof id) id ^= (uint64_t)getpid() << 40;
    gethostname(host, sizeof host - 1);
    snprintf(id_text, sizeof id_text, "%016" PRIx64, id);
    for (int i = 0; i < run->argc; i++) text_add(&argv, "%s%s", i ? " " : "", run->argv[i]);
    if (argv.length > HEADER_TEXT) argv.bytes[HEADER_TEXT] = 0;
    bool ok = hdf5_put_text(file, "run_id", id_text, 0) && hdf5_put_text(file, "host", host, 0) &&
              hdf5_put_text(file, "argv", text_get(&argv), 0);
    text_release(&argv);
    return ok;
}

bool schema_write_run(hid_t file, const struct log_run *run)
{
    double now = clock_wall();
    return hdf5_put_text(file, "format", "lathe-log", 0) && hdf5_put_integer(file, "format_version", 1) &&
           hdf5_put_text(file, "lathe_version", LATHE_VERSION, 0) && hdf5_put_text(file, "name", run->name, 0) &&
           write_identity(file, run) && hdf5_put_text(file, "model", run->model, 0) &&
           hdf5_put_text(file, "device", run->device, 0) && hdf5_put_text(file, "precision", run->precision, 0) &&
           hdf5_put_real(file, "created", now) && hdf5_put_real(file, "heartbeat", now) &&
           hdf5_put_text(file, "state", run_state_name(RUN_STARTING), HDF5_STATE) &&
           (!run->branched_from || hdf5_put_text(file, "branched_from", run->branched_from, 0)) &&
           hdf5_put_integer(file, "last_step", 0) && hdf5_put_integer(file, "resumes", 0) &&
           hdf5_write_hparams(file, run->config_yaml);
}
