#include "data/base/options.h"

#include "data/base/memory.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int64_t amount_of(struct amount amount, int64_t whole)
{
    if (!amount.is_set) return whole;
    if (amount.is_fraction) return (int64_t)((double)whole * amount.fraction);
    return amount.count < whole ? amount.count : whole;
}

/* ---- values from text ---- */

static bool parse_int(const char *text, int64_t *value)
{
    char *end, clean[64];
    size_t n = 0;
    for (const char *c = text; *c && n < sizeof clean - 1; c++)
        if (*c != '_') clean[n++] = *c; /* 178_956_970 */
    clean[n] = 0;
    errno = 0;
    long long parsed = strtoll(clean, &end, 10);
    if (errno || end == clean || *end) return false;
    *value = parsed;
    return true;
}

static bool parse_real(const char *text, double *value)
{
    static const struct {
        const char *text;
        double value;
    } special[] = {{".inf", INFINITY}, {"-.inf", -INFINITY}, {"inf", INFINITY}, {"-inf", -INFINITY}};
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (strcasecmp(text, special[i].text) == 0) return *value = special[i].value, true;
    if (!*text || strspn(text, "+-0123456789.eE") != strlen(text)) return false;
    char *end;
    *value = strtod(text, &end);
    return end != text && !*end;
}

static bool parse_bool(const char *text, bool *value)
{
    if (strcasecmp(text, "true") == 0) return *value = true, true;
    if (strcasecmp(text, "false") == 0) return *value = false, true;
    return false;
}

/* DD:HH:MM:SS, or a number with s, min, h or d behind it; a bare number is seconds. */
static bool parse_duration(const char *text, double *seconds)
{
    int d, h, m, s, used = 0;
    if (sscanf(text, "%d:%d:%d:%d%n", &d, &h, &m, &s, &used) == 4 && !text[used])
        return *seconds = ((d * 24.0 + h) * 60 + m) * 60 + s, d >= 0 && h >= 0 && m >= 0 && s >= 0;
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"", 1}, {"s", 1}, {"sec", 1}, {"min", 60}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    char *end;
    double number = strtod(text, &end);
    if (end == text || number < 0 || !isfinite(number)) return false;
    while (*end == ' ') end++;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].unit) == 0) return *seconds = number * units[i].seconds, true;
    return false;
}

static int find_choice(const char *choices, const char *word)
{
    int index = 0;
    for (const char *c = choices; *c; index++) {
        size_t length = strcspn(c, "|");
        if (strlen(word) == length && strncmp(c, word, length) == 0) return index;
        c += length + (c[length] == '|');
    }
    return -1;
}

/* ---- one option ---- */

static void *field(void *bound, const struct option *row)
{
    return (char *)bound + row->offset;
}

static enum lt_err wrong(const struct setting *at, const char *wanted)
{
    if (at->kind == SETTING_SCALAR) return setting_fail(at, "'%s' is not %s", at->scalar, wanted);
    return setting_fail(at, "a %s stands here, but it must be %s", at->kind == SETTING_MAPPING ? "mapping" : "list",
                        wanted);
}

static bool plain(const struct setting *at)
{
    return at->kind == SETTING_SCALAR && !at->quoted;
}

static enum lt_err check_bounds(const struct option *row, const struct setting *at, double value)
{
    if (row->min == 0 && row->max == 0 && !row->open_min) return isnan(value) ? wrong(at, "a number") : LT_OK;
    bool low = row->open_min ? value <= row->min : value < row->min;
    bool has_max = row->max > row->min;
    if (!low && !(has_max && value > row->max) && !isnan(value)) return LT_OK;
    if (has_max)
        return setting_fail(at, "%g is not possible: it must be %s %g and at most %g", value,
                            row->open_min ? "above" : "at least", row->min, row->max);
    return setting_fail(at, "%g is not possible: it must be %s %g", value, row->open_min ? "above" : "at least",
                        row->min);
}

static enum lt_err read_real(double *value, const struct option *row, const struct setting *at)
{
    if (!plain(at) || !parse_real(at->scalar, value)) return wrong(at, "a number");
    return check_bounds(row, at, *value);
}

static enum lt_err read_amount(struct amount *amount, const struct option *row, const struct setting *at)
{
    if (!plain(at)) return wrong(at, "a number of batches (10) or a share of them (0.5)");
    amount->is_set = true;
    if (parse_int(at->scalar, &amount->count)) return check_bounds(row, at, (double)amount->count);
    amount->is_fraction = true;
    if (!parse_real(at->scalar, &amount->fraction))
        return wrong(at, "a number of batches (10) or a share of them (0.5)");
    if (!(amount->fraction >= 0 && amount->fraction <= 1))
        return setting_fail(at, "%s is not possible: a share lies between 0.0 and 1.0", at->scalar);
    return LT_OK;
}

/* Calls read for each item of a list, or once for a single value. */
static size_t items_of(const struct setting *at)
{
    return at->kind == SETTING_SEQUENCE ? at->count : 1;
}
static const struct setting *item_of(const struct setting *at, size_t i)
{
    return at->kind == SETTING_SEQUENCE ? at->child[i] : at;
}

static enum lt_err read_reals(struct reals *reals, const struct option *row, const struct setting *at)
{
    reals->item = memory_new(items_of(at), sizeof *reals->item);
    for (size_t i = 0; i < items_of(at); i++) {
        LT_TRY(read_real(&reals->item[i], row, item_of(at, i)));
        reals->count++;
    }
    return LT_OK;
}

static enum lt_err read_texts(struct texts *texts, const struct setting *at)
{
    texts->item = memory_new(items_of(at), sizeof *texts->item);
    for (size_t i = 0; i < items_of(at); i++) {
        if (item_of(at, i)->kind != SETTING_SCALAR) return wrong(item_of(at, i), "text");
        texts->item[texts->count++] = memory_text(item_of(at, i)->scalar);
    }
    return LT_OK;
}

static enum lt_err read_choice(int *value, const struct option *row, const struct setting *at)
{
    *value = at->kind == SETTING_SCALAR ? find_choice(row->choices, at->scalar) : -1;
    if (*value >= 0) return LT_OK;
    char wanted[256];
    snprintf(wanted, sizeof wanted, "one of %s", row->choices);
    return wrong(at, wanted);
}

static enum lt_err read_null(void *to, const struct option *row, const struct setting *at)
{
    switch (row->type) {
    case OPTION_INT:
        if (row->nullable) return *(int64_t *)to = (int64_t)row->null_value, LT_OK;
        break;
    case OPTION_REAL:
    case OPTION_DURATION:
        if (row->nullable) return *(double *)to = row->null_value, LT_OK;
        break;
    case OPTION_TEXT:
    case OPTION_AMOUNT:
    case OPTION_SETTING:
    case OPTION_REALS:
    case OPTION_TEXTS: return LT_OK; /* NULL, not set, empty */
    case OPTION_BOOL:
    case OPTION_CHOICE: break;
    }
    return setting_fail(at, "a value is missing");
}

static enum lt_err read_value(void *to, const struct option *row, const struct setting *at)
{
    if (setting_is_null(at)) return read_null(to, row, at);
    switch (row->type) {
    case OPTION_BOOL: return plain(at) && parse_bool(at->scalar, to) ? LT_OK : wrong(at, "true or false");
    case OPTION_INT:
        if (!plain(at) || !parse_int(at->scalar, to)) return wrong(at, "a whole number");
        return check_bounds(row, at, (double)*(int64_t *)to);
    case OPTION_REAL: return read_real(to, row, at);
    case OPTION_TEXT:
        if (at->kind != SETTING_SCALAR) return wrong(at, "text");
        *(char **)to = memory_text(at->scalar);
        return LT_OK;
    case OPTION_CHOICE: return read_choice(to, row, at);
    case OPTION_AMOUNT: return read_amount(to, row, at);
    case OPTION_DURATION:
        if (at->kind != SETTING_SCALAR || !parse_duration(at->scalar, to))
            return wrong(at, "a duration (90 s, 10 min, 2 h)");
        return LT_OK;
    case OPTION_REALS: return read_reals(to, row, at);
    case OPTION_TEXTS: return read_texts(to, at);
    case OPTION_SETTING: *(const struct setting **)to = at; return LT_OK;
    }
    return LT_OK;
}

static enum lt_err read_default(void *bound, const struct option *row)
{
    if (row->type == OPTION_SETTING) return LT_OK;
    struct setting *initial;
    LT_TRY(setting_parse(&initial, *row->initial ? row->initial : "null", "default"));
    struct option unbounded = *row; /* a default may be null, or outside what users may write */
    unbounded.nullable = true;
    unbounded.min = unbounded.max = 0;
    unbounded.open_min = false;
    enum lt_err err = read_value(field(bound, row), &unbounded, initial);
    setting_free(initial);
    return err;
}

/* ---- tables ---- */

static size_t field_size(enum option_type type)
{
    switch (type) {
    case OPTION_BOOL: return sizeof(bool);
    case OPTION_INT: return sizeof(int64_t);
    case OPTION_CHOICE: return sizeof(int);
    case OPTION_AMOUNT: return sizeof(struct amount);
    case OPTION_REAL:
    case OPTION_DURATION: return sizeof(double);
    case OPTION_REALS: return sizeof(struct reals);
    case OPTION_TEXTS: return sizeof(struct texts);
    case OPTION_TEXT:
    case OPTION_SETTING: return sizeof(void *);
    }
    return 0;
}

const struct option *options_row(struct option_table table, const char *key)
{
    for (size_t i = 0; i < table.count; i++)
        if (strcmp(table.row[i].key, key) == 0) return &table.row[i];
    return NULL;
}

static enum lt_err check_keys(struct option_table table, const struct setting *mapping, const char *ignored)
{
    for (size_t i = 0; i < mapping->count; i++) {
        const char *key = mapping->child[i]->key;
        if (options_row(table, key) || (ignored && strcmp(key, ignored) == 0)) continue;
        const char **name = memory_new(table.count + 1, sizeof *name);
        for (size_t k = 0; k < table.count; k++) name[k] = table.row[k].key;
        const char *nearest = options_nearest(key, name, table.count);
        enum lt_err err = setting_fail(mapping->child[i], "there is no key '%s' here%s%s%s", key,
                                       nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
        free(name);
        return err;
    }
    return LT_OK;
}

static enum lt_err bind(void *out, struct option_table table, const struct setting *mapping, const char *ignored)
{
    for (size_t i = 0; i < table.count; i++) memset(field(out, &table.row[i]), 0, field_size(table.row[i].type));
    if (setting_is_null(mapping)) mapping = NULL;
    if (mapping && mapping->kind != SETTING_MAPPING) return wrong(mapping, "a mapping (key: value)");
    if (mapping) LT_TRY(check_keys(table, mapping, ignored));
    for (size_t i = 0; i < table.count; i++) {
        const struct option *row = &table.row[i];
        const struct setting *at = mapping ? setting_get(mapping, row->key) : NULL;
        if (at)
            LT_TRY(read_value(field(out, row), row, at));
        else if (row->initial)
            LT_TRY(read_default(out, row));
        else if (mapping)
            return setting_fail(mapping, "the key '%s' is missing: %s", row->key, row->help);
        else
            return lt_fail(LT_EUSAGE, "the key '%s' is missing: %s", row->key, row->help);
    }
    return LT_OK;
}

static enum lt_err bind_or_release(void *out, struct option_table table, const struct setting *mapping,
                                   const char *ignored)
{
    enum lt_err err = bind(out, table, mapping, ignored);
    if (err != LT_OK) options_release(out, table);
    return err;
}

enum lt_err options_bind(void *out, struct option_table table, const struct setting *mapping)
{
    return bind_or_release(out, table, mapping, NULL);
}

enum lt_err options_bind_named(void *out, struct option_table table, const struct setting *mapping)
{
    return bind_or_release(out, table, mapping, "name");
}

enum lt_err options_set(void *bound, struct option_table table, const char *key, const char *value)
{
    const struct option *row = options_row(table, key);
    struct setting *root;
    union {
        int64_t whole;
        double real;
        struct amount amount;
    } read = {0};
    lt_assert(row && (row->type == OPTION_INT || row->type == OPTION_REAL || row->type == OPTION_DURATION ||
                      row->type == OPTION_AMOUNT));
    LT_TRY(setting_parse(&root, "", "set"));
    enum lt_err err = setting_override(root, key, value);
    if (err == LT_OK) err = read_value(&read, row, setting_get(root, key));
    if (err == LT_OK) memcpy(field(bound, row), &read, field_size(row->type));
    setting_free(root);
    return err;
}

void options_release(void *bound, struct option_table table)
{
    for (size_t i = 0; i < table.count; i++) {
        void *at = field(bound, &table.row[i]);
        if (table.row[i].type == OPTION_TEXT) free(*(char **)at);
        if (table.row[i].type == OPTION_REALS) free(((struct reals *)at)->item);
        if (table.row[i].type == OPTION_TEXTS) {
            struct texts *texts = at;
            for (size_t k = 0; k < texts->count; k++) free(texts->item[k]);
            free(texts->item);
        }
        memset(at, 0, field_size(table.row[i].type));
    }
}

enum lt_err options_member(const char **name, const struct setting **rest, const struct setting *self)
{
    *rest = NULL;
    if (self->kind == SETTING_SCALAR && !setting_is_null(self)) {
        *name = self->scalar;
        return LT_OK;
    }
    if (self->kind != SETTING_MAPPING || self->count != 1)
        return setting_fail(self, "write `name` or `{name: {key: value}}` here");
    *name = self->child[0]->key;
    *rest = self->child[0];
    return LT_OK;
}

enum lt_err options_bind_member(void *out, struct option_table table, const struct setting *self,
                                const struct setting *rest)
{
    if (setting_is_null(rest)) {
        enum lt_err err = options_bind(out, table, NULL);
        return err == LT_OK ? LT_OK : setting_fail(self, "%s", lt_message()); /* say where the missing key belongs */
    }
    if (rest->kind == SETTING_MAPPING) return options_bind(out, table, rest);
    if (table.count == 0) return setting_fail(self, "'%s' takes no options", rest->key ? rest->key : "this");
    memset(field(out, &table.row[0]), 0, field_size(table.row[0].type));
    enum lt_err err = bind(out, (struct option_table){table.row + 1, table.count - 1}, NULL, NULL);
    if (err == LT_OK) err = read_value(field(out, &table.row[0]), &table.row[0], rest);
    if (err != LT_OK) options_release(out, table);
    return err;
}

/* ---- nearest ---- */

static size_t least3(size_t a, size_t b, size_t c)
{
    return a < b ? (a < c ? a : c) : (b < c ? b : c);
}

/* Levenshtein distance of words up to 63 characters. */
static size_t distance(const char *a, const char *b)
{
    size_t row[64], n = strlen(b);
    if (strlen(a) > 63 || n > 63) return 64;
    for (size_t j = 0; j <= n; j++) row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t up = row[j];
            row[j] = least3(up + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = up;
        }
    }
    return row[n];
}

const char *options_nearest(const char *word, const char *const *candidate, size_t count)
{
    const char *nearest = NULL;
    size_t best = strlen(word) / 2 + 1;
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(word, candidate[i]);
        if (d < best) best = d, nearest = candidate[i];
    }
    return nearest;
}
