#include "tui/preferences.h"

#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/base/text.h"
#include "tui/theme.h"
#include "tui/user_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct preference_row rows[PREFERENCES] = {
#define PREFERENCE(id, key, choices, initial, help) [id] = {key, choices, initial, help},
#include "tui/preferences.def"
#undef PREFERENCE
};

const struct preference_row *preference_row(enum preference id)
{
    return &rows[id];
}

void preferences_default(struct preferences *self)
{
    for (int i = 0; i < PREFERENCES; i++) snprintf(self->value[i], PREFERENCE_MAX, "%s", rows[i].initial);
}

static bool is_choice(const char *choices, const char *value)
{
    size_t length = strlen(value);
    for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
        if (strcspn(at, "|") == length && strncmp(at, value, length) == 0) return true;
    return false;
}

enum lt_err preferences_set(struct preferences *self, enum preference id, const char *value)
{
    const struct preference_row *row = &rows[id];
    struct theme theme;
    if (strlen(value) >= PREFERENCE_MAX || strpbrk(value, "\r\n"))
        return lt_fail(LT_EUSAGE, "%s: that value is too long", row->key);
    if (row->choices && !is_choice(row->choices, value))
        return lt_fail(LT_EUSAGE, "%s is one of %s, not '%.60s'", row->key, row->choices, value);
    if (!row->choices) LT_TRY(theme_load(&theme, value));
    snprintf(self->value[id], PREFERENCE_MAX, "%s", value);
    return LT_OK;
}

bool preferences_on(const struct preferences *self, enum preference id)
{
    return strcmp(self->value[id], "on") == 0;
}

/* ---- the file ---- */

/* The row that a line sets, -1 for none; its value without the spaces around it. */
static int split_line(char *line, char **value)
{
    char *key = line + strspn(line, " \t"), *equals = strchr(key, '=');
    size_t length = strcspn(key, " \t=");
    if (!equals || key + length + strspn(key + length, " \t") != equals) return -1;
    *value = equals + 1 + strspn(equals + 1, " \t");
    for (size_t end = strlen(*value); end > 0 && strchr(" \t\r", (*value)[end - 1]); end--) (*value)[end - 1] = 0;
    for (int i = 0; i < PREFERENCES; i++)
        if (strlen(rows[i].key) == length && strncmp(rows[i].key, key, length) == 0) return i;
    return -1;
}

/* Reads the file's text: "" when there is none. *path is NULL where there is no home. */
static enum lt_err read_file(char **text, char **path)
{
    size_t length;
    *path = user_folder_path("settings");
    enum lt_err err = *path ? user_file_read(text, &length, *path) : LT_ENOTFOUND;
    if (err == LT_ENOTFOUND) *text = memory_text("");
    return err == LT_ENOTFOUND ? LT_OK : err;
}

/* Keys that this version does not know are another's. The first wrong line is the one that is told. */
static enum lt_err obey(struct preferences *self, char *text, const char *path)
{
    char wrong[1024] = "";
    for (int number = 1; text; number++) {
        char *line = strsep(&text, "\n"), *value = NULL;
        int row = split_line(line, &value);
        if (row < 0 || preferences_set(self, (enum preference)row, value) == LT_OK || wrong[0]) continue;
        snprintf(wrong, sizeof wrong, "%s:%d: %s", path, number, lt_message());
    }
    return wrong[0] ? lt_fail(LT_EFORMAT, "%s", wrong) : LT_OK;
}

enum lt_err preferences_read(struct preferences *self)
{
    char *text = NULL, *path;
    preferences_default(self);
    enum lt_err err = read_file(&text, &path);
    if (err == LT_OK) err = obey(self, text, path);
    free(text);
    free(path);
    return err;
}

/* The old file with new values in their places; keys that it lacks are put behind. */
static void write_lines(struct text *out, const struct preferences *self, char *old)
{
    bool seen[PREFERENCES] = {false};
    while (old && *old) {
        char *line = strsep(&old, "\n"), *value, *whole = memory_text(line);
        int row = split_line(line, &value);
        if (row < 0)
            text_add(out, "%s\n", whole);
        else if (!seen[row])
            text_add(out, "%s = %s\n", rows[row].key, self->value[row]);
        if (row >= 0) seen[row] = true;
        free(whole);
    }
    for (int i = 0; i < PREFERENCES; i++)
        if (!seen[i]) text_add(out, "%s = %s\n", rows[i].key, self->value[i]);
}

enum lt_err preferences_write(const struct preferences *self)
{
    char *old = NULL, *path, *folder = user_folder_path("");
    struct text text = {0};
    enum lt_err err = read_file(&old, &path);
    if (err == LT_OK && !path)
        err = lt_fail(LT_ENOTFOUND, "settings need a home: neither HOME nor XDG_CONFIG_HOME is an absolute path");
    if (err == LT_OK) {
        write_lines(&text, self, old);
        char *target = realpath(path, NULL); /* a link stays one */
        err = path_make_folder(folder);
        if (err == LT_OK) err = path_write_atomic(target ? target : path, text.bytes, text.length);
        free(target);
    }
    text_release(&text);
    free(old), free(path), free(folder);
    return err;
}
