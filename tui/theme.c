#include "tui/theme.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char embedded_theme_dark[];
extern const size_t embedded_theme_dark_length;

static const char *const keys[THEME_SLOTS] = {
#define SLOT(id, key) [id] = key,
#include "tui/theme_slots.def"
#undef SLOT
};

static int find_slot(const char *key)
{
    for (int i = 0; i < THEME_SLOTS; i++)
        if (strcmp(keys[i], key) == 0) return i;
    return -1;
}

/* "#rrggbb" or "default", then words. */
static bool parse_color(struct theme_color *color, char *text)
{
    char *save = NULL, *word = strtok_r(text, " \t", &save);
    unsigned red, green, blue;
    int used = 0;
    if (!word) return false;
    if (strcmp(word, "default") != 0) {
        if (sscanf(word, "#%2x%2x%2x%n", &red, &green, &blue, &used) != 3 || word[used]) return false;
        *color = (struct theme_color){(uint8_t)red, (uint8_t)green, (uint8_t)blue, true, false, false};
    }
    while ((word = strtok_r(NULL, " \t", &save))) {
        if (strcmp(word, "bold") == 0)
            color->bold = true;
        else if (strcmp(word, "reverse") == 0)
            color->reverse = true;
        else
            return false;
    }
    return true;
}

static enum lt_err parse_line(struct theme *self, bool seen[THEME_SLOTS], char *line, const char *name, int number)
{
    char *equals = strchr(line, '='), key[64];
    line += strspn(line, " \t");
    if (!*line || *line == ';') return LT_OK;
    if (!equals || sscanf(line, "%63[a-z0-9_]", key) != 1)
        return lt_fail(LT_EFORMAT, "%s:%d: a line is `key = #rrggbb`", name, number);
    int slot = find_slot(key);
    if (slot < 0) return lt_fail(LT_EFORMAT, "%s:%d: there is no key '%s'", name, number, key);
    if (!parse_color(&self->slot[slot], equals + 1))
        return lt_fail(LT_EFORMAT, "%s:%d: %s: a colour is #rrggbb or default, then perhaps bold or reverse", name,
                       number, key);
    seen[slot] = true;
    return LT_OK;
}

enum lt_err theme_parse(struct theme *self, const char *text, size_t length, const char *name)
{
    char *copy = strndup(text, length), *save = copy;
    bool seen[THEME_SLOTS] = {false};
    enum lt_err err = LT_OK;
    *self = (struct theme){0};
    for (int number = 1; err == LT_OK && save; number++) {
        char *line = strsep(&save, "\n");
        err = parse_line(self, seen, line, name, number);
    }
    for (int i = 0; err == LT_OK && i < THEME_SLOTS; i++)
        if (!seen[i]) err = lt_fail(LT_EFORMAT, "%s: the key '%s' is missing", name, keys[i]);
    free(copy);
    return err;
}

void theme_default(struct theme *self)
{
    enum lt_err err = theme_parse(self, (const char *)embedded_theme_dark, embedded_theme_dark_length, "dark.theme");
    lt_assert(err == LT_OK);
}
