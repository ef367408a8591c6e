#include "tui/draw/canvas.h"

#include "data/base/memory.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static const struct {
    uint32_t wide, ascii;
} glyphs[GLYPHS] = {
    [GLYPH_RULE] = {0x2500, '-'},     [GLYPH_BAR_FULL] = {0x2588, '#'}, [GLYPH_BAR_HALF] = {0x258C, '#'},
    [GLYPH_BAR_REST] = {0x2591, '.'}, [GLYPH_RUNNING] = {0x25B6, '>'},  [GLYPH_PAUSED] = {0x23F8, '='},
    [GLYPH_DONE] = {0x2714, '*'},     [GLYPH_FAILED] = {0x2716, 'x'},   [GLYPH_DOT] = {0x00B7, '-'},
    [GLYPH_DIAMOND] = {0x25C6, 'o'},  [GLYPH_CORNER] = {0x2514, '+'},   [GLYPH_TICK] = {0x2524, '|'},
    [GLYPH_ELLIPSIS] = {0x2026, '~'}, [GLYPH_BESIDE] = {0x2502, '|'},   [GLYPH_MARK] = {0x2534, '+'},
};

struct rect rect_take(struct rect *rest, int rows)
{
    const struct rect taken = {rest->x, rest->y, rest->width, rows < rest->height ? rows : rest->height};
    rest->y += taken.height;
    rest->height -= taken.height;
    return taken;
}

int rect_room(struct rect rect, int x, int most)
{
    const int left = rect.x + rect.width - x;
    return left < most ? left : most;
}

void canvas_resize(struct canvas *self, int width, int height)
{
    self->width = width;
    self->height = height;
    self->cell = memory_resize(self->cell, (size_t)width * (size_t)height, sizeof *self->cell);
    canvas_clear(self);
}

void canvas_clear(struct canvas *self)
{
    for (int i = 0; i < self->width * self->height; i++) self->cell[i] = (struct cell){.code = ' ', .slot = SLOT_TEXT};
    self->spots = self->pictures = 0;
}

void canvas_release(struct canvas *self)
{
    free(self->cell);
    free(self->spot);
    free(self->picture);
    *self = (struct canvas){0};
}

uint32_t canvas_glyph(const struct canvas *self, enum glyph glyph)
{
    return self->ascii ? glyphs[glyph].ascii : glyphs[glyph].wide;
}

void canvas_put(struct canvas *self, int x, int y, uint32_t code, enum theme_slot slot)
{
    if (x < 0 || y < 0 || x >= self->width || y >= self->height) return;
    self->cell[y * self->width + x] = (struct cell){.code = code, .slot = (uint8_t)slot};
}

/* Upper and lower halves are all that ASCII can tell apart. */
static uint32_t ascii_dots(uint8_t dots)
{
    bool top = dots & 0x1B, bottom = dots & 0xE4;
    return top && bottom ? ':' : top ? '\'' : '.';
}

static uint32_t quarter_dots(uint8_t dots)
{
    /* by the bits 1 upper left, 2 upper right, 4 lower left, 8 lower right */
    static const uint16_t quarters[16] = {' ',    0x2598, 0x259D, 0x2580, 0x2596, 0x258C, 0x259E, 0x259B,
                                          0x2597, 0x259A, 0x2590, 0x259C, 0x2584, 0x2599, 0x259F, 0x2588};
    int upper = (dots & 0x03 ? 1 : 0) | (dots & 0x18 ? 2 : 0), lower = (dots & 0x44 ? 4 : 0) | (dots & 0xA0 ? 8 : 0);
    return quarters[upper | lower];
}

uint32_t canvas_dots(const struct canvas *self, uint8_t dots)
{
    if (!dots) return ' ';
    return self->ascii ? ascii_dots(dots) : self->blocks ? quarter_dots(dots) : 0x2800u + dots;
}

void canvas_heat(struct canvas *self, int x, int y, int level)
{
    if (level < 0) return;
    if (level >= HEAT_LEVELS) level = HEAT_LEVELS - 1;
    uint32_t code = self->ascii        ? (uint32_t) ".:-=+*%#"[level]
                    : self->few_colors ? 0x2581u + (uint32_t)level /* a column that grows from an eighth to the whole */
                                       : canvas_glyph(self, GLYPH_BAR_FULL);
    canvas_put(self, x, y, code, (enum theme_slot)(SLOT_HEAT_0 + level));
}

void canvas_picture(struct canvas *self, struct canvas_picture picture)
{
    self->picture = memory_grow(self->picture, self->pictures, &self->picture_capacity, sizeof *self->picture);
    self->picture[self->pictures++] = picture;
}

void canvas_pixels(struct canvas *self, int x, int y, const uint8_t top[3], const uint8_t under[3], uint32_t letter)
{
    enum { UPPER_HALF = 0x2580 };
    if (x < 0 || y < 0 || x >= self->width || y >= self->height) return;
    const bool colored = !self->ascii && !self->colorless;
    canvas_put(self, x, y, colored ? UPPER_HALF : letter, SLOT_TEXT);
    struct cell *cell = &self->cell[y * self->width + x];
    cell->colored = colored;
    memcpy(cell->top, top, sizeof cell->top);
    memcpy(cell->under, under, sizeof cell->under);
}

/* The next character of UTF-8 text and the columns it takes; damaged bytes and control characters give '?'. */
static uint32_t next_character(const struct canvas *self, const char **text, int *columns)
{
    utf8proc_int32_t code;
    utf8proc_ssize_t used = utf8proc_iterate((const utf8proc_uint8_t *)*text, -1, &code);
    *text += used > 0 ? used : 1;
    *columns = used > 0 ? utf8proc_charwidth(code) : 1;
    bool bad = used <= 0 || code < 32 || (code >= 127 && code < 160) || (self->ascii && code > 127);
    if (!bad && *columns > 0) return (uint32_t)code;
    if (!bad && utf8proc_category(code) == UTF8PROC_CATEGORY_MN)
        return 0; /* a mark on the character before: left out */
    *columns = 1;
    return '?';
}

static int write_text(struct canvas *self, int x, int y, int room, enum theme_slot slot, const char *text)
{
    int at = 0, before = 0, columns = 0; /* before: where the character before begins */
    while (*text) {
        uint32_t code = next_character(self, &text, &columns);
        if (code == 0) continue;
        if (at + columns > room) {
            if (at == room) at = before;
            for (int i = at; i < room; i++) canvas_put(self, x + i, y, ' ', slot); /* wide ones go whole */
            canvas_put(self, x + at, y, canvas_glyph(self, GLYPH_ELLIPSIS), slot);
            return room;
        }
        canvas_put(self, x + at, y, code, slot);
        if (columns == 2) canvas_put(self, x + at + 1, y, 0, slot);
        before = at;
        at += columns;
    }
    return at;
}

int canvas_text(struct canvas *self, int x, int y, int room, enum theme_slot slot, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return room > 0 ? write_text(self, x, y, room, slot, text) : 0;
}

/* How many bytes of the text go into a line; it ends after a word where there is one. */
static size_t line_bytes(const struct canvas *self, const char *text, int room)
{
    const char *at = text, *word = NULL;
    for (int used = 0, columns; *at;) {
        const char *next = at;
        if (next_character(self, &next, &columns) != 0) used += columns;
        if (used > room) break;
        at = next;
        if (*at == ' ' || !*at) word = at;
    }
    if (*at && word) at = word;
    return at > text ? (size_t)(at - text) : *text ? 1 : 0;
}

int canvas_paragraph(struct canvas *self, struct rect rect, enum theme_slot slot, const char *text)
{
    int lines = 0;
    for (size_t bytes; rect.width > 0 && *text; text += bytes) {
        while (lines > 0 && *text == ' ') text++;
        bytes = line_bytes(self, text, rect.width);
        if (lines < rect.height) {
            const bool last = lines + 1 == rect.height;
            canvas_text(self, rect.x, rect.y + lines, rect.width, slot, "%.*s", last ? INT_MAX : (int)bytes, text);
        }
        lines += bytes > 0;
    }
    return lines;
}

void canvas_spot(struct canvas *self, struct spot spot)
{
    self->spot = memory_grow(self->spot, self->spots, &self->spot_capacity, sizeof *self->spot);
    self->spot[self->spots++] = spot;
}

const struct spot *canvas_spot_at(const struct canvas *self, int x, int y, enum spot_kind kind)
{
    for (size_t i = self->spots; i-- > 0;) {
        const struct rect *r = &self->spot[i].rect;
        const bool inside = x >= r->x && x < r->x + r->width && y >= r->y && y < r->y + r->height;
        if (inside && self->spot[i].kind == kind) return &self->spot[i];
    }
    return NULL;
}

void canvas_rule(struct canvas *self, struct rect rect, const char *title)
{
    for (int x = 0; x < rect.width; x++)
        canvas_put(self, rect.x + x, rect.y, canvas_glyph(self, GLYPH_RULE), SLOT_RULE);
    if (*title && rect.width > 6) {
        int used = canvas_text(self, rect.x + 3, rect.y, rect.width - 5, SLOT_DIM, "%s", title);
        canvas_put(self, rect.x + 2, rect.y, ' ', SLOT_RULE);
        canvas_put(self, rect.x + 3 + used, rect.y, ' ', SLOT_RULE);
    }
}

void text_clock(char text[16], double seconds)
{
    if (!(seconds >= 0) || seconds > 359999) {
        snprintf(text, 16, "--:--:--");
        return;
    }
    int s = (int)seconds;
    snprintf(text, 16, "%02d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
}
