/* A theme: a colour and attributes for every slot, from a file of `key = #rrggbb [bold] [dim] [underline] [reverse]`
 * lines; `;` starts a comment. `background = #rrggbb` lays a colour under everything; without it the terminal keeps its
 * own. `base = NAME` starts from a built-in theme, so that a file need only say what is different; without it every key
 * must be there. The themes of themes/ are inside the binary; a person's own lie in ~/.config/lathe/themes. Thread: the
 * screen's. */
#pragma once

#include "data/base/err.h"
#include "data/base/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum theme_slot {
#define SLOT(id, key) id,
#include "tui/theme_slots.def"
#undef SLOT
    THEME_SLOTS
};

enum { HEAT_LEVELS = 8 }; /* SLOT_HEAT_0 … SLOT_HEAT_7: from little to much */

struct theme_color {
    uint8_t red, green, blue;
    bool has_color; /* false: the terminal's own */
    bool bold, dim, underline, reverse;
};

struct theme {
    struct theme_color slot[THEME_SLOTS];
    struct theme_color background;
};

/* Reads a theme's text; unknown or missing keys and wrong colours are errors with the line. `name` is for messages. */
enum lt_err theme_parse(struct theme *self, const char *text, size_t length, const char *name) LT_MUST_CHECK;

/* The theme that fits when nobody chose one: light where COLORFGBG tells of a light background, else dark. */
void theme_default(struct theme *self);

/* A theme by its name (a person's own file wins over a built-in one) or by its file ("./my.theme"); NULL and "auto"
 * give the default. An unknown name is LT_ENOTFOUND with all names there are. *self is untouched on errors. */
enum lt_err theme_load(struct theme *self, const char *name) LT_MUST_CHECK;

/* One of those inside the binary. */
enum lt_err theme_load_built_in(struct theme *self, const char *name) LT_MUST_CHECK;

/* The names that theme_load takes, in order, each once; theme_names_release frees them. */
void theme_list(struct texts *names);
void theme_names_release(struct texts *names);

/* The key of a slot in theme files. */
const char *theme_slot_key(enum theme_slot slot);
