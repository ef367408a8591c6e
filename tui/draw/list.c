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
