/* A theme: a colour and attributes for every slot, from a file of `key = #rrggbb [bold] [reverse]` lines. The default
 * is inside the binary. Thread: the screen's. */
#pragma once

#include "data/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum theme_slot {
#define SLOT(id, key) id,
#include "tui/theme_slots.def"
#undef SLOT
    THEME_SLOTS
};

struct theme_color {
    uint8_t red, green, blue;
    bool has_color; /* false: the terminal's own foreground */
    bool bold, reverse;
};

struct theme {
    struct theme_color slot[THEME_SLOTS];
};

/* Reads a theme's text; unknown or missing keys and wrong colours are errors with the line. `name` is for messages. */
enum lt_err theme_parse(struct theme *self, const char *text, size_t length, const char *name) LT_MUST_CHECK;

/* The theme inside the binary. */
void theme_default(struct theme *self);
