#include "engine/log/hdf5_hparams.h"

#include "data/base/setting.h"
#include "data/base/text.h"
#include "engine/log/hdf5_types.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ATTRIBUTE_MAX = 16384 /* bytes; HDF5 allows 64 KB for all of an object's header */ };

/* What a plain scalar means. */
static bool is_integer(const struct setting *s, int64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoll(s->scalar, &end, 10);
    return !s->quoted && *s->scalar && !*end && errno == 0;
}

static bool is_real(const struct setting *s, double *value)
{
    char *end;
    *value = strtod(s->scalar, &end);
    return !s->quoted && *s->scalar && !*end && isfinite(*value);
}

static bool is_bool(const struct setting *s, bool *value)
{
    *value = strcmp(s->scalar, "true") == 0;
    return !s->quoted && (*value || strcmp(s->scalar, "false") == 0);
}

/* ---- JSON ---- */

static json_t *scalar_json(const struct setting *s)
{
    int64_t integer;
    double real;
    bool yes;
    if (setting_is_null(s)) return json_null();
    if (is_bool(s, &yes)) return json_boolean(yes);
    if (is_integer(s, &integer)) return json_integer(integer);
    if (is_real(s, &real)) return json_real(real);
    return json_string(s->scalar);
}

static json_t *to_json(const struct setting *s)
{
    if (s->kind == SETTING_SCALAR) return scalar_json(s);
    json_t *json = s->kind == SETTING_MAPPING ? json_object() : json_array();
    for (size_t i = 0; i < s->count; i++) {
        if (s->kind == SETTING_MAPPING)
            json_object_set_new(json, s->child[i]->key, to_json(s->child[i]));
        else
            json_array_append_new(json, to_json(s->child[i]));
    }
    return json;
}

/* ---- attributes ---- */

static bool put_scalar(hid_t group, const char *name, const struct setting *s)
{
    int64_t integer;
    double real;
    bool yes;
    if (setting_is_null(s)) return hdf5_put_text(group, name, "null", 0);
    if (is_bool(s, &yes)) return hdf5_put_bool(group, name, yes);
    if (is_integer(s, &integer)) return hdf5_put_integer(group, name, integer);
    if (is_real(s, &real)) return hdf5_put_real(group, name, real);
    return strlen(s->scalar) > ATTRIBUTE_MAX || hdf5_put_text(group, name, s->scalar, 0);
}

/* Sequences stand as JSON text. */
static bool put_sequence(hid_t group, const char *name, const struct setting *s)
{
    json_t *json = to_json(s);
    char *text = json_dumps(json, JSON_REAL_PRECISION(15));
    bool ok = !text || strlen(text) > ATTRIBUTE_MAX || hdf5_put_text(group, name, text, 0);
    free(text);
    json_decref(json);
    return ok;
}

static bool put_all(hid_t group, const char *prefix, const struct setting *s)
{
    if (s->kind == SETTING_SCALAR) return put_scalar(group, prefix, s);
    if (s->kind == SETTING_SEQUENCE) return put_sequence(group, prefix, s);
    bool ok = true;
    for (size_t i = 0; ok && i < s->count; i++) {
        struct text name = {0};
        text_add(&name, "%s%s%s", prefix, *prefix ? "." : "", s->child[i]->key);
        ok = put_all(group, text_get(&name), s->child[i]);
        text_release(&name);
    }
    return ok;
}

bool hdf5_write_hparams(hid_t file, const char *yaml)
{
    struct setting *root = NULL;
    if (setting_parse(&root, yaml, "config.yaml") != LT_OK) return hdf5_write_text(file, "/hparams_json", "{}");
    json_t *json = to_json(root);
    char *text = json_dumps(json, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
    bool ok = hdf5_write_text(file, "/hparams_json", text ? text : "{}");
    hid_t group = H5Gcreate2(file, "/hparams", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    ok = ok && group >= 0 && put_all(group, "", root);
    if (group >= 0) H5Gclose(group);
    free(text);
    json_decref(json);
    setting_free(root);
    return ok;
}
