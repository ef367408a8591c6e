#include "tui/draw/list.h"

#include "tui/term/term.h"

static int clamp(int value, int low, int high)
{
    return value > high ? high < low ? low : high : value < low ? low : value;
}

bool list_key(struct list *self, int key, int count, int rows)
{
    const int page = rows > 1 ? rows - 1 : 1;
    int to = self->chosen;
    switch (key) {
    case 'k':
    case TERM_UP: to--; break;
    case 'j':
    case TERM_DOWN: to++; break;
    case TERM_PAGE_UP: to -= page; break;
    case TERM_PAGE_DOWN: to += page; break;
    case 'g':
    case TERM_HOME: to = 0; break;
    case 'G':
    case TERM_END: to = count - 1; break;
    default: return false;
    }
    self->chosen = clamp(to, 0, count - 1);
    self->away = self->chosen < count - 1;
    return true;
}

void list_settle(struct list *self, int count, int rows, bool follows)
{
    if (follows && !self->away) self->chosen = count - 1;
    self->chosen = clamp(self->chosen, 0, count - 1);
    if (self->top > self->chosen) self->top = self->chosen;
    if (self->top < self->chosen - rows + 1) self->top = self->chosen - rows + 1;
    self->top = clamp(self->top, 0, count - rows);
}

void list_choose(struct list *self, int at)
{
    self->chosen = at;
    self->away = true;
}

void list_mark(struct list *self, struct canvas *canvas, struct rect row, int at)
{
    if (at == self->chosen) canvas_put(canvas, row.x, row.y, canvas_glyph(canvas, GLYPH_RUNNING), SLOT_KEY);
    canvas_spot(canvas, (struct spot){.rect = row, .kind = SPOT_ROW, .value = at, .list = self});
}

void sorting_move(struct sorting *self, int by, int columns)
{
    self->column = (self->column + by + columns) % columns;
}

void sorting_title(struct sorting *self, struct canvas *canvas, struct rect place, int column, const char *title)
{
    const enum theme_slot slot = column == self->column ? SLOT_KEY : SLOT_DIM;
    canvas_text(canvas, place.x, place.y, place.width, slot, "%s", title);
    canvas_spot(canvas, (struct spot){.rect = place, .kind = SPOT_COLUMN, .value = column, .sorting = self});
}
