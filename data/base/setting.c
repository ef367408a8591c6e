#include "data/base/setting.h"

#include "data/base/memory.h"
#include "data/base/path.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum { FILE_MAX = 1 << 20, DEPTH_MAX = 64 };

/* ---- the tree ---- */

static struct setting *setting_new(enum setting_kind kind, const char *file, int line)
{
    struct setting *self = memory_new(1, sizeof *self);
    self->kind = kind;
    self->file = file;
    self->line = line;
    return self;
}

static void append(struct setting *parent, struct setting *child)
{
    parent->child = memory_grow(parent->child, parent->count, &parent->capacity, sizeof(struct setting *));
    parent->child[parent->count++] = child;
    child->parent = parent;
}

static void free_below(struct setting *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free_below(self->child[i]);
        free(self->child[i]);
    }
    free(self->child), free(self->key), free(self->scalar);
}

void setting_free(struct setting *root)
{
    if (!root) return;
    free_below(root);
    free(root);
}

static struct setting *get(const struct setting *self, const char *key, size_t length)
{
    if (!self || self->kind != SETTING_MAPPING) return NULL;
    for (size_t i = 0; i < self->count; i++)
        if (strlen(self->child[i]->key) == length && strncmp(self->child[i]->key, key, length) == 0)
            return self->child[i];
    return NULL;
}

const struct setting *setting_get(const struct setting *self, const char *key)
{
    return get(self, key, strlen(key));
}

const struct setting *setting_find(const struct setting *root, const char *dotted)
{
    const struct setting *at = root;
    while (at && *dotted) {
        size_t length = strcspn(dotted, ".");
        at = get(at, dotted, length);
        dotted += length + (dotted[length] == '.');
    }
    return at;
}

bool setting_is_null(const struct setting *self)
{
    if (!self) return true;
    if (self->kind != SETTING_SCALAR || self->quoted) return false;
    static const char *const null[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof null / sizeof *null; i++)
        if (strcmp(self->scalar, null[i]) == 0) return true;
    return false;
}

struct setting *setting_copy(const struct setting *self)
{
    struct setting *copy = setting_new(self->kind, self->file, self->line);
    copy->key = memory_text(self->key);
    copy->scalar = memory_text(self->scalar);
    copy->quoted = self->quoted;
    for (size_t i = 0; i < self->count; i++) append(copy, setting_copy(self->child[i]));
    return copy;
}

/* ---- names of files outlive every tree: a short list, never freed but at exit ---- */

static const char *keep_name(const char *name)
{
    static _Thread_local char *kept[256];
    for (size_t i = 0; i < 255; i++) {
        if (!kept[i]) kept[i] = memory_text(name);
        if (strcmp(kept[i], name) == 0) return kept[i];
    }
    return "configuration";
}

/* ---- reading ---- */

struct reader {
    yaml_parser_t parser;
    const char *file;
    int depth;
};

static enum lt_err fail_at(const struct reader *self, size_t line, const char *what)
{
    return lt_fail(LT_EUSAGE, "%s:%zu: %s", self->file, line + 1, what);
}

static enum lt_err next_event(struct reader *self, yaml_event_t *event)
{
    if (yaml_parser_parse(&self->parser, event)) return LT_OK;
    const char *problem = self->parser.problem ? self->parser.problem : "not readable";
    return lt_fail(LT_EUSAGE, "%s:%zu: not valid YAML: %s", self->file, self->parser.problem_mark.line + 1, problem);
}

static enum lt_err read_node(struct reader *self, yaml_event_t *event, struct setting **node);

/* YAML takes a key of at most 1024 characters when it is written, where one byte may need six ("\\u0009"). */
enum { KEY_MAX = 128 };

static enum lt_err read_key(struct reader *self, struct setting *mapping, yaml_event_t *event, char **key)
{
    size_t line = event->start_mark.line;
    if (event->type != YAML_SCALAR_EVENT) return fail_at(self, line, "a key must be plain text");
    const char *text = (const char *)event->data.scalar.value;
    if (strlen(text) != event->data.scalar.length) return fail_at(self, line, "a key holds a zero byte");
    if (event->data.scalar.length > KEY_MAX) return fail_at(self, line, "a key has at most 128 letters");
    const struct setting *twice = setting_get(mapping, text);
    if (twice)
        return lt_fail(LT_EUSAGE, "%s:%zu: the key '%s' stands twice (first on line %d); keep one", self->file,
                       line + 1, text, twice->line);
    *key = memory_text(text);
    return LT_OK;
}

static enum lt_err read_member(struct reader *self, struct setting *parent, yaml_event_t *event)
{
    char *key = NULL;
    yaml_event_t value = *event;
    enum lt_err err = LT_OK;
    bool own = false;
    if (parent->kind == SETTING_MAPPING) {
        err = read_key(self, parent, event, &key);
        if (err == LT_OK) err = next_event(self, &value);
        own = err == LT_OK;
    }
    struct setting *child = NULL;
    if (err == LT_OK) err = read_node(self, &value, &child);
    if (own) yaml_event_delete(&value);
    if (err == LT_OK) {
        child->key = key;
        append(parent, child);
    } else {
        free(key);
    }
    return err;
}

static enum lt_err read_members(struct reader *self, struct setting *parent)
{
    yaml_event_type_t end = parent->kind == SETTING_MAPPING ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    if (++self->depth > DEPTH_MAX) return fail_at(self, self->parser.mark.line, "nested more than 64 levels deep");
    for (;;) {
        yaml_event_t event;
        LT_TRY(next_event(self, &event));
        bool over = event.type == end;
        enum lt_err err = over ? LT_OK : read_member(self, parent, &event);
        yaml_event_delete(&event);
        if (err != LT_OK) return err;
        if (over) break;
    }
    self->depth--;
    return LT_OK;
}

static enum lt_err check_decoration(const struct reader *self, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) anchor = event->data.scalar.anchor, tag = event->data.scalar.tag;
    if (event->type == YAML_SEQUENCE_START_EVENT)
        anchor = event->data.sequence_start.anchor, tag = event->data.sequence_start.tag;
    if (event->type == YAML_MAPPING_START_EVENT)
        anchor = event->data.mapping_start.anchor, tag = event->data.mapping_start.tag;
    if (event->type == YAML_ALIAS_EVENT || anchor)
        return fail_at(self, event->start_mark.line, "anchors and aliases are not supported");
    return tag ? fail_at(self, event->start_mark.line, "tags (!name) are not supported") : LT_OK;
}

static enum lt_err read_node(struct reader *self, yaml_event_t *event, struct setting **node)
{
    LT_TRY(check_decoration(self, event));
    int line = (int)event->start_mark.line + 1;
    if (event->type == YAML_SCALAR_EVENT) {
        const char *text = (const char *)event->data.scalar.value;
        if (strlen(text) != event->data.scalar.length)
            return fail_at(self, event->start_mark.line, "the value holds a zero byte");
        *node = setting_new(SETTING_SCALAR, self->file, line);
        (*node)->scalar = memory_text(text);
        (*node)->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        return LT_OK;
    }
    bool mapping = event->type == YAML_MAPPING_START_EVENT;
    if (!mapping && event->type != YAML_SEQUENCE_START_EVENT)
        return fail_at(self, event->start_mark.line, "a value is missing here");
    struct setting *parent = setting_new(mapping ? SETTING_MAPPING : SETTING_SEQUENCE, self->file, line);
    enum lt_err err = read_members(self, parent);
    if (err == LT_OK)
        *node = parent;
    else
        setting_free(parent);
    return err;
}

/* The one document of the stream; an empty one is an empty mapping. */
static enum lt_err read_document(struct reader *self, struct setting **root)
{
    for (bool over = false; !over;) {
        yaml_event_t event;
        LT_TRY(next_event(self, &event));
        enum lt_err err = LT_OK;
        over = event.type == YAML_STREAM_END_EVENT;
        bool frame = over || event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_START_EVENT ||
                     event.type == YAML_DOCUMENT_END_EVENT;
        if (!frame && *root)
            err = fail_at(self, event.start_mark.line, "a second document (---) is not supported");
        else if (!frame)
            err = read_node(self, &event, root);
        yaml_event_delete(&event);
        if (err != LT_OK) return err;
    }
    if (!*root) *root = setting_new(SETTING_MAPPING, self->file, 1);
    return LT_OK;
}

static enum lt_err parse(struct setting **root, const char *text, size_t length, const char *file)
{
    struct reader reader = {.file = keep_name(file)};
    *root = NULL;
    if (!yaml_parser_initialize(&reader.parser)) return lt_fail(LT_ENOMEM, "no memory to read %s", file);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, length);
    enum lt_err err = read_document(&reader, root);
    yaml_parser_delete(&reader.parser);
    if (err != LT_OK) {
        setting_free(*root);
        *root = NULL;
    }
    return err;
}

enum lt_err setting_parse(struct setting **root, const char *text, const char *file)
{
    return parse(root, text, strlen(text), file);
}

enum lt_err setting_read(struct setting **root, const char *path)
{
    char *text;
    size_t length;
    enum lt_err err = path_read(&text, &length, path, FILE_MAX);
    if (err != LT_OK) return lt_fail(LT_EUSAGE, "%s", lt_message());
    err = parse(root, text, length, path);
    free(text);
    return err;
}

/* ---- changing ---- */

static void replace(struct setting *parent, struct setting *old, struct setting *new)
{
    for (size_t i = 0; i < parent->count; i++)
        if (parent->child[i] == old) parent->child[i] = new;
    new->parent = parent;
    setting_free(old);
}

void setting_merge(struct setting *base, struct setting *over)
{
    lt_assert(base->kind == SETTING_MAPPING && over->kind == SETTING_MAPPING);
    base->file = over->file; /* errors about the whole mapping name its newest place */
    base->line = over->line;
    for (size_t i = 0; i < over->count; i++) {
        struct setting *child = over->child[i], *old = get(base, child->key, strlen(child->key));
        if (!old)
            append(base, child);
        else if (old->kind == SETTING_MAPPING && child->kind == SETTING_MAPPING)
            setting_merge(old, child);
        else
            replace(base, old, child);
    }
    over->count = 0; /* its children live in base now */
    setting_free(over);
}

static struct setting *nest(const char *dotted, struct setting *value)
{
    struct setting *mapping = setting_new(SETTING_MAPPING, value->file, value->line);
    size_t length = strcspn(dotted, ".");
    struct setting *child = dotted[length] ? nest(dotted + length + 1, value) : value;
    child->key = strndup(dotted, length);
    append(mapping, child);
    return mapping;
}

enum lt_err setting_override(struct setting *root, const char *dotted, const char *value)
{
    if (!*dotted || *dotted == '.' || dotted[strlen(dotted) - 1] == '.' || strstr(dotted, ".."))
        return lt_fail(LT_EUSAGE, "command line: '%s' is no key; keys are like trainer.max_epochs", dotted);
    struct setting *parsed;
    LT_TRY(setting_parse(&parsed, value, "command line"));
    if (parsed->kind == SETTING_MAPPING && parsed->count == 0) { /* an empty word is null */
        setting_free(parsed);
        parsed = setting_new(SETTING_SCALAR, keep_name("command line"), 0);
        parsed->scalar = memory_text("");
    }
    setting_merge(root, nest(dotted, parsed));
    return LT_OK;
}

/* ---- writing ---- */

/* What YAML takes for a line break or does not allow as it is: the length in bytes of such a character at `text`, with
 * its code; 0 where there is none. */
static size_t unprintable(const char *text, unsigned *code)
{
    const unsigned char *c = (const unsigned char *)text;
    if (c[0] != 0 && (c[0] < 32 || c[0] == 127)) return *code = c[0], 1;
    if (c[0] == 0xc2 && c[1] < 0xa0) return *code = c[1], 2;
    const bool separator = c[0] == 0xe2 && c[1] == 0x80 && (c[2] == 0xa8 || c[2] == 0xa9);
    const bool mark = c[0] == 0xef && ((c[1] == 0xbb && c[2] == 0xbf) || (c[1] == 0xbf && c[2] >= 0xbe));
    if (!separator && !mark) return 0;
    *code = (c[0] & 15u) << 12 | (c[1] & 63u) << 6 | (c[2] & 63u);
    return 3;
}

static bool is_plain(const struct setting *self)
{
    const char *text = self->scalar;
    unsigned code;
    if (self->quoted || !*text) return false;
    for (const char *c = text; *c; c++)
        if (unprintable(c, &code)) return false;
    if (strncmp(text, "---", 3) == 0 || strncmp(text, "...", 3) == 0) return false; /* ends of a document */
    if (strpbrk(text, ":#{}[],&*!|>'\"%@`\\\n\t") || text[0] == '-' || text[0] == '?' || text[0] == ' ' ||
        text[strlen(text) - 1] == ' ')
        return text[0] == '-' && strspn(text, "-0123456789.eE+") == strlen(text) && text[1];
    return true;
}

static void write_scalar(struct text *out, const struct setting *self)
{
    if (setting_is_null(self)) {
        text_add(out, "null");
        return;
    }
    if (is_plain(self)) {
        text_add(out, "%s", self->scalar);
        return;
    }
    text_add(out, "\"");
    unsigned code;
    for (const char *c = self->scalar; *c; c++) {
        const size_t length = unprintable(c, &code);
        if (length > 0) {
            text_add(out, "\\u%04x", code);
            c += length - 1;
        } else {
            text_add(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
        }
    }
    text_add(out, "\"");
}

static void write_key(struct text *out, const char *key)
{
    struct setting as_scalar = {.scalar = (char *)key};
    if (setting_is_null(&as_scalar)) as_scalar.quoted = true;
    write_scalar(out, &as_scalar);
    text_add(out, ": ");
}

static void write_flow(struct text *out, const struct setting *self)
{
    if (self->kind == SETTING_SCALAR) {
        write_scalar(out, self);
        return;
    }
    bool mapping = self->kind == SETTING_MAPPING;
    text_add(out, mapping ? "{" : "[");
    for (size_t i = 0; i < self->count; i++) {
        if (i) text_add(out, ", ");
        if (mapping) write_key(out, self->child[i]->key);
        write_flow(out, self->child[i]);
    }
    text_add(out, mapping ? "}" : "]");
}

static void write_block(struct text *out, const struct setting *self, int indent)
{
    for (size_t i = 0; i < self->count; i++) {
        const struct setting *child = self->child[i];
        text_add(out, "%*s", indent, "");
        if (self->kind == SETTING_SEQUENCE) {
            text_add(out, "- ");
            write_flow(out, child);
            text_add(out, "\n");
            continue;
        }
        write_key(out, child->key);
        if (child->kind == SETTING_SCALAR || child->count == 0 || indent >= 2) {
            write_flow(out, child);
            text_add(out, "\n");
            continue;
        }
        out->length--; /* the blank behind the colon */
        text_add(out, "\n");
        write_block(out, child, indent + 2);
    }
}

void setting_write(struct text *out, const struct setting *self)
{
    if (self->kind == SETTING_SCALAR || self->count == 0) {
        write_flow(out, self);
        text_add(out, "\n");
    } else {
        write_block(out, self, 0);
    }
}

/* ---- errors ---- */

static void write_path(struct text *out, const struct setting *self)
{
    if (!self->parent) return;
    write_path(out, self->parent);
    if (out->length) text_add(out, ".");
    if (self->key) {
        text_add(out, "%s", self->key);
        return;
    }
    for (size_t i = 0; i < self->parent->count; i++)
        if (self->parent->child[i] == self) text_add(out, "%zu", i);
}

enum lt_err setting_fail(const struct setting *self, const char *format, ...)
{
    struct text where = {0}, path = {0};
    if (self->line > 0 && strcmp(self->file, "command line") != 0)
        text_add(&where, "%s:%d: ", self->file, self->line);
    else
        text_add(&where, "%s: ", self->file);
    write_path(&path, self);
    if (path.length) text_add(&where, "%s: ", text_get(&path));
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    enum lt_err err = lt_fail(LT_EUSAGE, "%s%s", text_get(&where), message);
    text_release(&where);
    text_release(&path);
    return err;
}
