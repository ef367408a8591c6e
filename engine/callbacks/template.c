#include "engine/callbacks/template.h"

#include "data/base/memory.h"
#include "data/base/options.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum part_kind { PART_TEXT, PART_EPOCH, PART_STEP, PART_METRIC };

struct part {
    enum part_kind kind;
    char *text;           /* PART_TEXT: itself; else the key */
    int width, precision; /* precision -1: none given */
    bool zeros;
    char type; /* d f e g */
};

struct template
{
    struct part *part;
    size_t count, capacity;
    bool insert;
};

static struct part *add_part(struct template *self, enum part_kind kind, const char *text, size_t length)
{
    self->part = memory_grow(self->part, self->count, &self->capacity, sizeof *self->part);
    struct part *part = &self->part[self->count++];
    *part = (struct part){
        .kind = kind, .text = strndup(text, length), .precision = -1, .type = kind == PART_METRIC ? 'g' : 'd'};
    return part;
}

/* [0][width][.precision][type] */
static bool parse_format(struct part *part, const char *format, size_t length)
{
    const char *c = format, *end = format + length;
    if (c < end && *c == '0') part->zeros = true, c++;
    for (; c < end && isdigit((unsigned char)*c); c++) part->width = part->width * 10 + (*c - '0');
    if (c < end && *c == '.') {
        part->precision = 0;
        for (c++; c < end && isdigit((unsigned char)*c); c++) part->precision = part->precision * 10 + (*c - '0');
        part->type = 'f';
    }
    if (c < end && strchr("dfeg", *c)) part->type = *c++;
    return c == end && part->width <= 40 && part->precision <= 20;
}

static bool find_kind(enum part_kind *kind, const char *key, size_t length, struct template_names names)
{
    if (length == 5 && strncmp(key, "epoch", 5) == 0) return *kind = PART_EPOCH, true;
    if (length == 4 && strncmp(key, "step", 4) == 0) return *kind = PART_STEP, true;
    for (size_t i = 0; i < names.count; i++)
        if (strlen(names.known[i]) == length && strncmp(names.known[i], key, length) == 0)
            return *kind = PART_METRIC, true;
    return false;
}

static enum lt_err unknown_key(const char *key, size_t length, struct template_names names, const struct setting *where)
{
    char word[96];
    snprintf(word, sizeof word, "%.*s", (int)(length < 90 ? length : 90), key);
    const char *nearest = options_nearest(word, names.known, names.count);
    return setting_fail(where, "'{%s}' names nothing that is logged%s%s%s; there are {epoch}, {step} and the metrics",
                        word, nearest ? "; did you mean '{" : "", nearest ? nearest : "", nearest ? "}'?" : "");
}

/* One {key} or {key:format}; `text` stands behind the brace. Gives how long it is. */
static enum lt_err parse_key(struct template *self, const char *text, size_t *used, struct template_names names,
                             const struct setting *where)
{
    size_t length = strcspn(text, "}");
    if (!text[length]) return setting_fail(where, "the template has an opening { without its }");
    size_t key = strcspn(text, ":}");
    enum part_kind kind;
    if (!find_kind(&kind, text, key, names)) return unknown_key(text, key, names, where);
    struct part *part = add_part(self, kind, text, key);
    if (key < length && !parse_format(part, text + key + 1, length - key - 1))
        return setting_fail(where, "the format '%.*s' is not supported; use forms like 03d, .3f or .2e",
                            (int)(length - key - 1), text + key + 1);
    *used = length + 1;
    return LT_OK;
}

static enum lt_err parse_all(struct template *self, const char *text, struct template_names names,
                             const struct setting *where)
{
    if (!*text) return setting_fail(where, "a file name cannot be empty");
    while (*text) {
        size_t plain = strcspn(text, "{}"), used = 0;
        if (plain) add_part(self, PART_TEXT, text, plain);
        text += plain;
        if (*text == '}') return setting_fail(where, "the template has a closing } without its {");
        if (!*text) break;
        LT_TRY(parse_key(self, text + 1, &used, names, where));
        text += 1 + used;
    }
    return LT_OK;
}

enum lt_err template_parse(struct template **out, const char *text, bool insert, struct template_names names,
                           const struct setting *where)
{
    struct template *self = memory_new(1, sizeof *self);
    self->insert = insert;
    enum lt_err err = parse_all(self, text, names, where);
    if (err == LT_OK)
        *out = self;
    else
        template_free(self);
    return err;
}

void template_free(struct template *self)
{
    if (!self) return;
    for (size_t i = 0; i < self->count; i++) free(self->part[i].text);
    free(self->part);
    free(self);
}

static void add_number(struct text *out, const struct part *part, double value)
{
    int width = part->width, precision = part->precision < 0 ? 6 : part->precision;
    if (part->type == 'd')
        text_add(out, part->zeros ? "%0*" PRId64 : "%*" PRId64, width, (int64_t)value);
    else if (part->type == 'f')
        text_add(out, part->zeros ? "%0*.*f" : "%*.*f", width, precision, value);
    else if (part->type == 'e')
        text_add(out, part->zeros ? "%0*.*e" : "%*.*e", width, precision, value);
    else
        text_add(out, part->zeros ? "%0*.*g" : "%*.*g", width, precision, value);
}

/* No name becomes a folder, and none starts with a dot. */
static void add_safe(struct text *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        bool bad = *c == '/' || (unsigned char)*c < 32 || (*c == '.' && out->length == 0);
        text_add(out, "%c", bad ? '_' : *c);
    }
}

void template_format(struct text *out, const struct template *self, const struct template_values *values)
{
    for (size_t i = 0; i < self->count; i++) {
        const struct part *part = &self->part[i];
        add_safe(out, part->kind == PART_TEXT || self->insert ? part->text : "");
        if (part->kind == PART_TEXT) continue;
        if (self->insert) text_add(out, "=");
        double value = part->kind == PART_EPOCH  ? (double)values->epoch
                       : part->kind == PART_STEP ? (double)values->step
                                                 : values->value(values->context, part->text);
        add_number(out, part, value);
    }
}
