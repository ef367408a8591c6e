#include "engine/log/hdf5_types.h"

#include "data/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Why the last call failed: HDF5 forgets it with the next call, and cleaning up is such a call. */
static _Thread_local char reason[512];

static herr_t keep_deepest(unsigned level, const H5E_error2_t *error, void *context)
{
    (void)level, (void)context;
    snprintf(reason, sizeof reason, "%s", error->desc ? error->desc : "");
    return 0;
}

static herr_t remember(hid_t stack, void *context)
{
    (void)context;
    return H5Ewalk2(stack, H5E_WALK_DOWNWARD, keep_deepest, NULL);
}

void hdf5_quiet(void)
{
    H5dont_atexit(); /* at exit HDF5 touches files again whose closing failed, and crashes; all others are closed */
    H5Eset_auto2(H5E_DEFAULT, remember, NULL);
}

enum lt_err hdf5_fail(const char *action, const char *path)
{
    if (strstr(reason, "errno = 28") || strstr(reason, "No space left"))
        return lt_fail(LT_ENOSPC, "cannot %s %s: the disk is full; make room", action, path);
    return lt_fail(LT_EIO, "cannot %s %s: %s", action, path, *reason ? reason : "HDF5 gives no reason");
}

bool hdf5_says_truncated(void)
{
    return strstr(reason, "truncated file") != NULL;
}

/* ---- rows ---- */

hid_t hdf5_text_type(size_t size)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size ? size : 1);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

hid_t hdf5_scalar_type(void)
{
    hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(struct scalar_row));
    H5Tinsert(type, "step", offsetof(struct scalar_row, step), H5T_STD_I64LE);
    H5Tinsert(type, "wall", offsetof(struct scalar_row, wall), H5T_IEEE_F64LE);
    H5Tinsert(type, "value", offsetof(struct scalar_row, value), H5T_IEEE_F64LE);
    return type;
}

hid_t hdf5_event_type(void)
{
    hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(struct event_row));
    hid_t kind = H5Tenum_create(H5T_STD_I32LE), text = hdf5_text_type(HDF5_EVENT_TEXT);
    for (int32_t i = 0; i < EVENT_KINDS; i++) H5Tenum_insert(kind, event_name((enum event_kind)i), &i);
    H5Tinsert(type, "step", offsetof(struct event_row, step), H5T_STD_I64LE);
    H5Tinsert(type, "wall", offsetof(struct event_row, wall), H5T_IEEE_F64LE);
    H5Tinsert(type, "kind", offsetof(struct event_row, kind), kind);
    H5Tinsert(type, "level", offsetof(struct event_row, level), H5T_STD_I8LE);
    H5Tinsert(type, "text", offsetof(struct event_row, text), text);
    H5Tclose(kind);
    H5Tclose(text);
    return type;
}

hid_t hdf5_epoch_type(void)
{
    hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(struct log_epoch_row));
    H5Tinsert(type, "epoch", offsetof(struct log_epoch_row, epoch), H5T_STD_I64LE);
    H5Tinsert(type, "step_first", offsetof(struct log_epoch_row, step_first), H5T_STD_I64LE);
    H5Tinsert(type, "step_last", offsetof(struct log_epoch_row, step_last), H5T_STD_I64LE);
    H5Tinsert(type, "wall_first", offsetof(struct log_epoch_row, wall_first), H5T_IEEE_F64LE);
    H5Tinsert(type, "wall_last", offsetof(struct log_epoch_row, wall_last), H5T_IEEE_F64LE);
    return type;
}

void hdf5_copy_text(char *to, size_t size, const char *text)
{
    size_t length = strlen(text);
    if (length > size) {
        length = size;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) length--; /* the middle of a character */
    }
    for (size_t i = 0; i < size; i++) to[i] = i < length ? text[i] : 0;
}

/* ---- attributes ---- */

static bool put(hid_t object, const char *name, hid_t type, const void *value)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool ok = attribute >= 0 && H5Awrite(attribute, type, value) >= 0;
    if (attribute >= 0) ok = H5Aclose(attribute) >= 0 && ok;
    H5Sclose(space);
    return ok;
}

bool hdf5_put_text(hid_t object, const char *name, const char *text, size_t size)
{
    if (!size) size = strlen(text) ? strlen(text) : 1;
    hid_t type = hdf5_text_type(size);
    char *value = memory_new(size, 1);
    hdf5_copy_text(value, size, text);
    bool ok = put(object, name, type, value);
    free(value);
    H5Tclose(type);
    return ok;
}

bool hdf5_put_integer(hid_t object, const char *name, int64_t value)
{
    return put(object, name, H5T_STD_I64LE, &value);
}

bool hdf5_put_real(hid_t object, const char *name, double value)
{
    return put(object, name, H5T_IEEE_F64LE, &value);
}

/* As h5py writes a bool: an enumeration. */
bool hdf5_put_bool(hid_t object, const char *name, bool value)
{
    int8_t no = 0, yes = 1, stored = value;
    hid_t type = H5Tenum_create(H5T_STD_I8LE);
    H5Tenum_insert(type, "FALSE", &no);
    H5Tenum_insert(type, "TRUE", &yes);
    bool ok = put(object, name, type, &stored);
    H5Tclose(type);
    return ok;
}

static bool set(hid_t object, const char *name, hid_t type, const void *value)
{
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    bool ok = attribute >= 0 && H5Awrite(attribute, type, value) >= 0;
    if (attribute >= 0) ok = H5Aclose(attribute) >= 0 && ok;
    return ok;
}

bool hdf5_set_text(hid_t object, const char *name, const char *text)
{
    char value[HDF5_STATE];
    hid_t type = hdf5_text_type(sizeof value);
    hdf5_copy_text(value, sizeof value, text);
    bool ok = set(object, name, type, value);
    H5Tclose(type);
    return ok;
}

bool hdf5_set_integer(hid_t object, const char *name, int64_t value)
{
    return set(object, name, H5T_STD_I64LE, &value);
}

bool hdf5_set_real(hid_t object, const char *name, double value)
{
    return set(object, name, H5T_IEEE_F64LE, &value);
}

static bool get(hid_t object, const char *name, H5T_class_t class, hid_t type, void *value)
{
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    if (attribute < 0) return false;
    hid_t space = H5Aget_space(attribute), stored = H5Aget_type(attribute);
    bool ok = H5Sget_simple_extent_npoints(space) == 1 && H5Tget_class(stored) == class &&
              !(class == H5T_STRING && H5Tis_variable_str(stored)) && H5Aread(attribute, type, value) >= 0;
    H5Tclose(stored);
    H5Sclose(space);
    H5Aclose(attribute);
    return ok;
}

bool hdf5_get_text(hid_t object, const char *name, char *text, size_t size)
{
    hid_t type = hdf5_text_type(size - 1);
    memset(text, 0, size);
    bool ok = get(object, name, H5T_STRING, type, text);
    H5Tclose(type);
    return ok;
}

bool hdf5_get_integer(hid_t object, const char *name, int64_t *value)
{
    return get(object, name, H5T_INTEGER, H5T_STD_I64LE, value);
}

bool hdf5_get_real(hid_t object, const char *name, double *value)
{
    return get(object, name, H5T_FLOAT, H5T_IEEE_F64LE, value);
}

/* ---- small datasets ---- */

static bool write_once(hid_t file, const char *path, hid_t type, hid_t space, const void *data)
{
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(links, 1);
    hid_t dataset = H5Dcreate2(file, path, type, space, links, H5P_DEFAULT, H5P_DEFAULT);
    bool ok = dataset >= 0 && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
    if (dataset >= 0) ok = H5Dclose(dataset) >= 0 && ok;
    H5Pclose(links);
    return ok;
}

bool hdf5_write_names(hid_t file, const char *path, const char *const *name, size_t count)
{
    hsize_t extent = count;
    hid_t type = hdf5_text_type(HDF5_NAME), space = H5Screate_simple(1, &extent, NULL);
    char *data = memory_new(count + 1, HDF5_NAME);
    for (size_t i = 0; i < count; i++) hdf5_copy_text(data + i * HDF5_NAME, HDF5_NAME, name[i]);
    bool ok = write_once(file, path, type, space, data);
    free(data);
    H5Sclose(space);
    H5Tclose(type);
    return ok;
}

bool hdf5_write_text(hid_t file, const char *path, const char *text)
{
    hid_t type = hdf5_text_type(strlen(text)), space = H5Screate(H5S_SCALAR);
    bool ok = write_once(file, path, type, space, text);
    H5Sclose(space);
    H5Tclose(type);
    return ok;
}
