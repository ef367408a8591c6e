/* A grid of cells that panes draw on: a code point, a theme slot. No terminal here. Everything outside a rectangle or
 * the grid is cut. Thread: the screen's. */
#pragma once

#include "data/base/err.h"
#include "tui/theme.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cell {
    uint32_t code; /* 0: the right half of a wide character */
    uint8_t slot;  /* enum theme_slot; */
    bool colored;  /* … or colours of its own: of a picture's two pixels in it */
    uint8_t top[3], under[3];
};

struct rect {
    int x, y, width, height;
};

/* What a click on some cells means. */
enum spot_kind {
    SPOT_VIEW,   /* shows the view `value` */
    SPOT_KEY,    /* is the key `value` */
    SPOT_ROW,    /* chooses the row `value` of `list` */
    SPOT_COLUMN, /* sorts by the column `value` of `sorting`; once more: the other way round */
    SPOT_PLOT    /* is a step on the X axis of all charts */
};

struct list;
struct sorting;

struct spot {
    struct rect rect;
    enum spot_kind kind;
    int value;
    struct list *list;
    struct sorting *sorting;
};

/* A picture for a terminal that shows pixels, over the cells of its rectangle. */
struct canvas_picture {
    struct rect rect;
    uint32_t id; /* of its content, not 0 */
    int width, height;
    const uint8_t *rgb; /* [height][width][3]; lent until the canvas is drawn anew */
};

struct canvas {
    int width, height;
    struct cell *cell;
    struct spot *spot; /* later ones cover earlier ones of their kind */
    size_t spots, spot_capacity;
    struct canvas_picture *picture;
    size_t pictures, picture_capacity;
    bool ascii;      /* no character above 127 */
    bool blocks;     /* no braille: dots are quarters of a cell */
    bool few_colors; /* fewer than 256: heat is drawn by the shape of its cells too */
    bool colorless;  /* pictures are drawn by letters */
    bool has_pixels; /* pictures are shown by the terminal: canvas_picture */
};

/* Characters with an ASCII stand-in. */
enum glyph {
    GLYPH_RULE,
    GLYPH_BAR_FULL,
    GLYPH_BAR_HALF,
    GLYPH_BAR_REST,
    GLYPH_RUNNING,
    GLYPH_PAUSED,
    GLYPH_DONE,
    GLYPH_FAILED,
    GLYPH_DOT,
    GLYPH_DIAMOND,
    GLYPH_CORNER,
    GLYPH_TICK,
    GLYPH_ELLIPSIS,
    GLYPH_BESIDE, /* a vertical line */
    GLYPH_MARK,   /* on an axis */
    GLYPHS
};

/* Takes rows off the top of a rectangle, as many as there are. */
struct rect rect_take(struct rect *rest, int rows);

/* The columns that a rectangle has from x on, `most` at most; 0 or less: none. */
int rect_room(struct rect rect, int x, int most);

void canvas_resize(struct canvas *self, int width, int height);
void canvas_clear(struct canvas *self);
void canvas_release(struct canvas *self);
uint32_t canvas_glyph(const struct canvas *self, enum glyph glyph);

void canvas_put(struct canvas *self, int x, int y, uint32_t code, enum theme_slot slot);

/* The character for a cell of 2 x 4 dots (bits as in braille, U+2800 + dots), in braille, quarters or ASCII. */
uint32_t canvas_dots(const struct canvas *self, uint8_t dots);

/* A cell of a heat map: 0 is the coldest of HEAT_LEVELS, what is above is the hottest, below 0 is a cell without a
 * value. */
void canvas_heat(struct canvas *self, int x, int y, int level);

/* Notes a picture for the terminal to show. */
void canvas_picture(struct canvas *self, struct canvas_picture picture);

/* Two pixels of a picture, one above the other; `letter` where colours cannot show them. */
void canvas_pixels(struct canvas *self, int x, int y, const uint8_t top[3], const uint8_t under[3], uint32_t letter);

/* Writes text from (x, y), at most `room` columns, control characters as '?', an ellipsis where it is cut. Returns the
 * columns used. */
int canvas_text(struct canvas *self, int x, int y, int room, enum theme_slot slot, const char *format, ...)
    LT_PRINTF(6, 7);

/* Writes text in lines that end between words; as many as the rectangle has, an ellipsis where that cuts it. Returns
 * how many the whole text takes at this width. */
int canvas_paragraph(struct canvas *self, struct rect rect, enum theme_slot slot, const char *text);

/* Notes what a click means. */
void canvas_spot(struct canvas *self, struct spot spot);

/* Lends the spot at a cell; NULL: none of that kind. */
const struct spot *canvas_spot_at(const struct canvas *self, int x, int y, enum spot_kind kind);

/* A horizontal rule with a title in it. */
void canvas_rule(struct canvas *self, struct rect rect, const char *title);

/* "00:12:34", or "--:--:--" for a negative time. */
void text_clock(char text[16], double seconds);
