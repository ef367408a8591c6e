/* How a person likes the screen: `key = value` lines in ~/.config/lathe/settings, over which flags of the command line
 * win. Every value is a word out of a row's choices, so that a settings page is one loop over the rows. Thread: the
 * screen's. */
#pragma once

#include "data/base/err.h"

#include <stdbool.h>

enum preference {
#define PREFERENCE(id, key, choices, initial, help) id,
#include "tui/preferences.def"
#undef PREFERENCE
    PREFERENCES
};

enum { PREFERENCE_MAX = 256 };

struct preferences {
    char value[PREFERENCES][PREFERENCE_MAX];
};

/* A row: its key in the file, its choices ("a|b"; NULL: what theme_list gives, or a theme's file), one sentence. */
struct preference_row {
    const char *key, *choices, *initial, *help;
};
const struct preference_row *preference_row(enum preference id);

void preferences_default(struct preferences *self);

/* Sets one; LT_EUSAGE names what it can be. self is untouched on errors. */
enum lt_err preferences_set(struct preferences *self, enum preference id, const char *value) LT_MUST_CHECK;

/* For those that are on or off. */
bool preferences_on(const struct preferences *self, enum preference id);

/* The defaults and what the settings file says; no file is no error. A line that cannot be is one, with its place, and
 * all others are obeyed. */
enum lt_err preferences_read(struct preferences *self) LT_MUST_CHECK;

/* Writes the settings file whole or not at all, through a link to it too; lines of other keys and comments stay. */
enum lt_err preferences_write(const struct preferences *self) LT_MUST_CHECK;
