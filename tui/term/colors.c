#include "tui/term/colors.h"

#include "tui/term/direct.h"
#include "tui/term/palette.h"

#include <stdlib.h>
#include <string.h>
#include <term.h>

static attr_t attribute[THEME_SLOTS];
static short pair[THEME_SLOTS];
static bool has_heat; /* the theme tells heat by colour */
static int level;     /* how many colours are in use */
static int pairs;     /* of the theme, and of pictures in 8 or 16 colours */
static int dithered[16][16];

/* ---- how many ---- */

/* By terminfo, as COLORS tells only once colours were started. */
static int colors_there(void)
{
    int there = has_colors() ? tigetnum("colors") : 0;
    return there >= PALETTE_DIRECT ? PALETTE_DIRECT : there >= 256 ? 256 : there >= 16 ? 16 : there >= 8 ? 8 : 0;
}

enum lt_err colors_choose(int *colors, const char *wanted)
{
    const char *none = getenv("NO_COLOR");
    int there = colors_there();
    if (!wanted || strcmp(wanted, "auto") == 0)
        *colors = none && *none ? 0 : there;
    else if (strcmp(wanted, "never") == 0)
        *colors = 0;
    else if (strcmp(wanted, "24bit") == 0)
        *colors = there;
    else if (strcmp(wanted, "8") == 0 || strcmp(wanted, "16") == 0 || strcmp(wanted, "256") == 0)
        *colors = atoi(wanted) < there ? atoi(wanted) : there;
    else
        return lt_fail(LT_EUSAGE, "--color is auto, never, 8, 16, 256 or 24bit, not '%s'", wanted);
    return LT_OK;
}

/* ---- which ---- */

static bool are_same(struct theme_color a, struct theme_color b)
{
    return a.red == b.red && a.green == b.green && a.blue == b.blue;
}

/* A terminal of 24 bits takes the least numbers for colours of its palette. The cube's and the greys are what they are
 * called and short to send; what else has such a number becomes a little redder. */
static int direct_number(struct theme_color color)
{
    enum { REDDER = 0x010000 };
    const int palette = direct_palette(), near = palette_nearest(color, PALETTE_SIZE, PALETTE_NONE),
              number = palette_nearest(color, PALETTE_DIRECT, PALETTE_NONE);
    if (palette == PALETTE_SIZE && are_same(palette_color(near), color)) return near;
    return number < palette ? number + REDDER : number;
}

/* What curses calls a colour. */
static int number_of(struct theme_color color, int background)
{
    int number = palette_nearest(color, level, background);
    if (COLORS < PALETTE_DIRECT || (level < PALETTE_SIZE && number < PALETTE_SMALL)) return number;
    return direct_number(level >= PALETTE_DIRECT ? color : palette_color(number));
}

static attr_t attributes_of(struct theme_color c)
{
    return (c.bold ? A_BOLD : A_NORMAL) | (c.dim ? A_DIM : A_NORMAL) | (c.underline ? A_UNDERLINE : A_NORMAL) |
           (c.reverse ? A_REVERSE : A_NORMAL);
}

/* Every blank of the screen shows the ground too. */
static void lay_ground(void)
{
    cchar_t blank;
    if (setcchar(&blank, L" ", A_NORMAL, pair[SLOT_TEXT], NULL) == OK) bkgrndset(&blank);
}

/* The pair of two numbers among those of the theme, or a new one: terminals of 8 colours have 64 in all. */
static short pair_for(const int *fore, const int *back, int slot)
{
    for (int i = 0; i < slot; i++)
        if (pair[i] && fore[i] == fore[slot] && back[i] == back[slot]) return pair[i];
    init_extended_pair(++pairs, fore[slot], back[slot]);
    return (short)pairs;
}

static void make_pairs(const struct theme *theme)
{
    int near = PALETTE_DARK, ground = -1; /* the terminal's own */
    int fore[THEME_SLOTS], back[THEME_SLOTS];
    start_color();
    use_default_colors();
    if (theme->background.has_color) {
        near = palette_nearest(theme->background, level, PALETTE_NONE);
        ground = number_of(theme->background, PALETTE_NONE);
    }
    for (int i = 0; i < THEME_SLOTS; i++) {
        const struct theme_color c = theme->slot[i];
        fore[i] = c.has_color ? number_of(c, near) : -1;
        back[i] = ground;
        pair[i] = c.has_color || ground >= 0 ? pair_for(fore, back, i) : 0;
    }
}

void colors_make(const struct theme *theme, int colors)
{
    struct theme mono;
    bool has_mono = colors < 8 && theme_load_built_in(&mono, "mono") == LT_OK;
    if (has_mono) theme = &mono;
    level = colors;
    has_heat = theme->slot[SLOT_HEAT_0].has_color;
    memset(pair, 0, sizeof pair);
    memset(dithered, 0, sizeof dithered);
    pairs = 0;
    for (int i = 0; i < THEME_SLOTS; i++) attribute[i] = attributes_of(theme->slot[i]);
    if (colors >= 8) make_pairs(theme);
    lay_ground();
}

attr_t colors_attribute(enum theme_slot slot)
{
    return attribute[slot];
}

short colors_pair(enum theme_slot slot)
{
    return pair[slot];
}

/* ---- pictures ---- */

enum { FEW_PAIRS = 48, MANY_COLORS = 256 }; /* of 8 colours: each with itself and each other, beside a theme's own */

static struct theme_color color_of(const uint8_t rgb[3])
{
    return (struct theme_color){.red = rgb[0], .green = rgb[1], .blue = rgb[2], .has_color = true};
}

/* What curses calls a colour of the palette's first 16. */
static int number_of_low(int index)
{
    return COLORS < PALETTE_DIRECT || index < 8 ? index : direct_number(palette_color(index));
}

/* Two pixels swap places for a pair that is there already, as a lower half block shows them the other way round. */
static int dithered_pair(int top, int under, bool *lower)
{
    *lower = top < under;
    int *known = *lower ? &dithered[under][top] : &dithered[top][under];
    if (!*known && pairs + 1 < COLOR_PAIRS) {
        *known = ++pairs;
        init_extended_pair(*known, number_of_low(*lower ? under : top), number_of_low(*lower ? top : under));
    }
    return *known;
}

int colors_pair_of(const struct cell *cell, int x, int y, bool *lower)
{
    const struct theme_color top = color_of(cell->top), under = color_of(cell->under);
    *lower = false;
    if (level >= MANY_COLORS) return alloc_pair(number_of(top, PALETTE_NONE), number_of(under, PALETTE_NONE));
    return dithered_pair(palette_dither(top, level, x, 2 * y), palette_dither(under, level, x, 2 * y + 1), lower);
}

bool colors_are_few(void)
{
    return level < MANY_COLORS || !has_heat;
}

bool colors_are_none(void)
{
    return level < 8 || COLOR_PAIRS < FEW_PAIRS;
}
