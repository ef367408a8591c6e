#include "tui/draw/lens.h"

#include <math.h>

enum { LEAST_STEPS = 8 };

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

void lens_range(const struct lens *self, int64_t begin, int64_t end, int64_t *first, int64_t *last)
{
    *first = begin;
    *last = end;
    if (!self->zoomed || self->last < begin || self->first > end) return;
    *first = clamp(self->first, begin, end);
    *last = clamp(self->last, *first, end);
}

/* Shows `width` steps from `first` on, kept within the run; all of it when they are as many. */
static void show(struct lens *self, int64_t begin, int64_t end, int64_t first, int64_t width)
{
    const int64_t whole = end - begin + 1;
    if (width < LEAST_STEPS) width = LEAST_STEPS;
    self->zoomed = width < whole;
    if (!self->zoomed) return;
    self->first = clamp(first, begin, end - width + 1);
    self->last = self->first + width - 1;
}

void lens_zoom_at(struct lens *self, int64_t begin, int64_t end, double factor, int64_t step)
{
    int64_t first, last;
    lens_range(self, begin, end, &first, &last);
    const double width = (double)(last - first + 1), wide = fmin(ceil(width * factor), (double)(end - begin + 1));
    const int64_t middle = clamp(step, first, last);
    const double share = (double)(middle - first) / width;
    show(self, begin, end, middle - (int64_t)(share * wide), (int64_t)wide);
}

void lens_zoom(struct lens *self, int64_t begin, int64_t end, double factor)
{
    int64_t first, last;
    lens_range(self, begin, end, &first, &last);
    lens_zoom_at(self, begin, end, factor, self->has_cursor ? self->cursor : first + (last - first) / 2);
}

void lens_show(struct lens *self, int64_t begin, int64_t end, int64_t a, int64_t b)
{
    const int64_t first = clamp(a < b ? a : b, begin, end), last = clamp(a < b ? b : a, begin, end);
    show(self, begin, end, first, last - first + 1);
}

void lens_pan(struct lens *self, int64_t begin, int64_t end, double share)
{
    int64_t first, last;
    lens_range(self, begin, end, &first, &last);
    const double moved = share * (double)(last - first + 1), whole = moved < 0 ? floor(moved) : ceil(moved);
    show(self, begin, end, first + (int64_t)whole, last - first + 1);
}

void lens_look_at(struct lens *self, int64_t begin, int64_t end, int64_t step)
{
    int64_t first, last;
    lens_range(self, begin, end, &first, &last);
    self->has_cursor = true;
    self->cursor = clamp(step, begin, end);
    if (self->cursor < first || self->cursor > last)
        show(self, begin, end, self->cursor - (last - first) / 2, last - first + 1);
}

void lens_move(struct lens *self, int64_t begin, int64_t end, double share)
{
    int64_t first, last;
    lens_range(self, begin, end, &first, &last);
    if (!self->has_cursor) {
        self->has_cursor = true;
        self->cursor = last;
        return;
    }
    const double moved = share * (double)(last - first + 1), whole = moved < 0 ? floor(moved) : ceil(moved);
    lens_look_at(self, begin, end, self->cursor + (int64_t)whole);
}
