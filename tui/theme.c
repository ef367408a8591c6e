#include "tui/theme.h"

#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/base/text.h"
#include "tui/user_folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 40, NAMES_MAX = 200 };

/* Made by the build from themes/. */
struct embedded_theme {
    const char *name;
    const unsigned char *bytes;
    const size_t *length;
};
extern const struct embedded_theme embedded_themes[];
extern const size_t embedded_theme_count;

static const char *const keys[THEME_SLOTS] = {
#define SLOT(id, key) [id] = key,
#include "tui/theme_slots.def"
#undef SLOT
};

const char *theme_slot_key(enum theme_slot slot)
{
    return keys[slot];
}

/* ---- reading ---- */

struct parser {
    struct theme *theme;
    const char *name; /* for messages */
    int line;
    bool has_base, seen[THEME_SLOTS];
};

static int find_slot(const char *key)
{
    for (int i = 0; i < THEME_SLOTS; i++)
        if (strcmp(keys[i], key) == 0) return i;
    return -1;
}

static bool parse_attribute(struct theme_color *color, const char *word)
{
    if (strcmp(word, "bold") == 0)
        color->bold = true;
    else if (strcmp(word, "dim") == 0)
        color->dim = true;
    else if (strcmp(word, "underline") == 0)
        color->underline = true;
    else if (strcmp(word, "reverse") == 0)
        color->reverse = true;
    else
        return false;
    return true;
}

/* "#rrggbb" or "default", then words. */
static bool parse_color(struct theme_color *color, char *text)
{
    char *save = NULL, *word = strtok_r(text, " \t\r", &save);
    *color = (struct theme_color){0};
    if (!word) return false;
    if (strcmp(word, "default") != 0) {
        if (word[0] != '#' || strlen(word) != 7 || strspn(word + 1, "0123456789abcdefABCDEF") != 6) return false;
        unsigned long rgb = strtoul(word + 1, NULL, 16);
        *color = (struct theme_color){.red = (uint8_t)(rgb >> 16), .green = (uint8_t)(rgb >> 8), .blue = (uint8_t)rgb};
        color->has_color = true;
    }
    while ((word = strtok_r(NULL, " \t\r", &save)))
        if (!parse_attribute(color, word)) return false;
    return true;
}

/* Whatever the file said so far is laid over the base. */
static enum lt_err parse_base(struct parser *self, char *value)
{
    char *save = NULL, *name = strtok_r(value, " \t\r", &save);
    for (int i = 0; i < THEME_SLOTS; i++)
        if (self->seen[i] || self->has_base)
            return lt_fail(LT_EFORMAT, "%s:%d: base comes before everything else, once", self->name, self->line);
    if (!name || theme_load_built_in(self->theme, name) != LT_OK)
        return lt_fail(LT_EFORMAT, "%s:%d: base is the name of a built-in theme, such as dark", self->name, self->line);
    self->has_base = true;
    return LT_OK;
}

static enum lt_err parse_line(struct parser *self, char *line)
{
    char *equals = strchr(line, '='), key[64];
    int used = 0;
    line += strspn(line, " \t\r");
    if (!*line || *line == ';') return LT_OK;
    if (!equals || sscanf(line, "%63[a-z0-9_] %n", key, &used) != 1 || line + used != equals)
        return lt_fail(LT_EFORMAT, "%s:%d: a line is `key = #rrggbb`, or a comment behind ;", self->name, self->line);
    if (strcmp(key, "base") == 0) return parse_base(self, equals + 1);
    bool is_background = strcmp(key, "background") == 0;
    int slot = is_background ? 0 : find_slot(key);
    if (slot < 0) {
        const char *near = options_nearest(key, keys, THEME_SLOTS);
        return lt_fail(LT_EFORMAT, "%s:%d: there is no key '%s'%s%s", self->name, self->line, key,
                       near ? "; near it is " : "", near ? near : "");
    }
    if (!parse_color(is_background ? &self->theme->background : &self->theme->slot[slot], equals + 1))
        return lt_fail(LT_EFORMAT,
                       "%s:%d: %s: a colour is #rrggbb or default, then perhaps bold, dim, underline or reverse",
                       self->name, self->line, key);
    if (!is_background) self->seen[slot] = true;
    return LT_OK;
}

enum lt_err theme_parse(struct theme *self, const char *text, size_t length, const char *name)
{
    struct theme theme = {0};
    struct parser parser = {.theme = &theme, .name = name};
    char *copy = memory_new(length + 1, 1), *save = copy; /* the text need not end with a NUL */
    memcpy(copy, text, length);
    enum lt_err err = LT_OK;
    while (err == LT_OK && save) {
        char *line = strsep(&save, "\n");
        parser.line++;
        err = parse_line(&parser, line);
    }
    for (int i = 0; err == LT_OK && i < THEME_SLOTS; i++)
        if (!parser.seen[i] && !parser.has_base)
            err = lt_fail(LT_EFORMAT,
                          "%s: the key '%s' is missing (a first line `base = dark` fills in what is missing)", name,
                          keys[i]);
    if (err == LT_OK) *self = theme;
    free(copy);
    return err;
}

/* ---- finding ---- */

static const struct embedded_theme *find_built_in(const char *name)
{
    for (size_t i = 0; i < embedded_theme_count; i++)
        if (strcmp(embedded_themes[i].name, name) == 0) return &embedded_themes[i];
    return NULL;
}

enum lt_err theme_load_built_in(struct theme *self, const char *name)
{
    const struct embedded_theme *theme = find_built_in(name);
    if (!theme) return lt_fail(LT_ENOTFOUND, "there is no theme '%.60s'", name);
    return theme_parse(self, (const char *)theme->bytes, *theme->length, name);
}

/* Some terminals put their colours into COLORFGBG as "foreground;background" of the 16: 7 and 15 are light. */
static bool is_light_terminal(void)
{
    const char *colors = getenv("COLORFGBG"), *last = colors ? strrchr(colors, ';') : NULL;
    return last && (strcmp(last, ";7") == 0 || strcmp(last, ";15") == 0);
}

void theme_default(struct theme *self)
{
    enum lt_err err = theme_load_built_in(self, is_light_terminal() ? "light" : "dark");
    lt_assert(err == LT_OK);
}

/* A name cannot lead out of the folder. */
static bool is_name(const char *name, size_t length)
{
    return length > 0 && length < NAME_MAX_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") >= length;
}

static enum lt_err load_file(struct theme *self, const char *path)
{
    char *text;
    size_t length;
    LT_TRY(user_file_read(&text, &length, path));
    enum lt_err err = theme_parse(self, text, length, path);
    free(text);
    return err;
}

static enum lt_err fail_unknown(const char *name)
{
    struct texts names;
    struct text all = {0};
    theme_list(&names);
    for (size_t i = 0; i < names.count; i++) text_add(&all, "%s%s", i ? ", " : "", names.item[i]);
    enum lt_err err = lt_fail(LT_ENOTFOUND, "there is no theme '%.60s'; there are %s, and files (./my.theme)", name,
                              text_get(&all));
    theme_names_release(&names);
    text_release(&all);
    return err;
}

/* A person's own theme: LT_ENOTFOUND when there is none of that name. */
static enum lt_err load_own(struct theme *self, const char *name)
{
    char file[NAME_MAX_BYTES + 16];
    snprintf(file, sizeof file, "themes/%s.theme", name);
    char *path = user_folder_path(file);
    enum lt_err err = path ? load_file(self, path) : LT_ENOTFOUND;
    free(path);
    return err;
}

enum lt_err theme_load(struct theme *self, const char *name)
{
    if (!name || !*name || strcmp(name, "auto") == 0) {
        theme_default(self);
        return LT_OK;
    }
    if (strchr(name, '/') || strchr(name, '.')) return load_file(self, name);
    if (!is_name(name, strlen(name))) return fail_unknown(name);
    enum lt_err err = load_own(self, name);
    if (err != LT_ENOTFOUND) return err;
    return find_built_in(name) ? theme_load_built_in(self, name) : fail_unknown(name);
}

/* ---- listing ---- */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_own(struct texts *names)
{
    char *folder = user_folder_path("themes");
    DIR *dir = folder ? opendir(folder) : NULL;
    struct dirent *entry;
    while (dir && names->count < NAMES_MAX && (entry = readdir(dir))) {
        const char *end = strrchr(entry->d_name, '.');
        size_t length = end ? (size_t)(end - entry->d_name) : 0;
        if (!end || strcmp(end, ".theme") != 0 || !is_name(entry->d_name, length)) continue;
        names->item[names->count++] = strndup(entry->d_name, length);
    }
    if (dir) closedir(dir);
    free(folder);
}

void theme_list(struct texts *names)
{
    *names = (struct texts){.item = memory_new(NAMES_MAX + embedded_theme_count, sizeof *names->item)};
    add_own(names);
    for (size_t i = 0; i < embedded_theme_count; i++)
        names->item[names->count++] = memory_text(embedded_themes[i].name);
    qsort(names->item, names->count, sizeof *names->item, compare_names);
    size_t kept = 0;
    for (size_t i = 0; i < names->count; i++) {
        if (kept && strcmp(names->item[kept - 1], names->item[i]) == 0)
            free(names->item[i]);
        else
            names->item[kept++] = names->item[i];
    }
    names->count = kept;
}

void theme_names_release(struct texts *names)
{
    for (size_t i = 0; i < names->count; i++) free(names->item[i]);
    free(names->item);
    *names = (struct texts){0};
}
