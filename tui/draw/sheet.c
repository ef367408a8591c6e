#include "tui/draw/sheet.h"

#include <math.h>

static double place(const struct sheet *self, double value)
{
    return self->by_log ? value > 0 ? log10(value) : NAN : value;
}

static void widen(struct sheet *self, const struct series *series)
{
    const struct scope *scope = self->chart->scope;
    const struct series_bucket all = series_range(series, series_find(series, scope->first),
                                                  series_find(series, scope->last + 1));
    if (all.low > all.high) return;
    const double high = place(self, (double)all.high), low = place(self, (double)all.low);
    if (isfinite(high)) self->high = fmax(self->high, high);
    if (isfinite(low) || isfinite(high)) self->low = fmin(self->low, isfinite(low) ? low : high - 6);
}

void sheet_settle(struct sheet *self)
{
    self->low = INFINITY;
    self->high = -INFINITY;
    for (int i = 0; i < CHART_LINES; i++) {
        const struct series *series = self->chart->line[i].series;
        if (series && series->count) widen(self, series);
    }
    if (!(self->high >= self->low)) self->low = 0, self->high = 1;
    if (!(self->high > self->low)) self->low -= 0.5, self->high += 0.5;
    const double room = 0.02 * (self->high - self->low);
    const bool positive = self->low >= 0 && !self->by_log;
    self->low = positive ? fmax(self->low - room, 0) : self->low - room;
    self->high += room;
}

double sheet_x(const struct sheet *self, int64_t step)
{
    const struct scope *scope = self->chart->scope;
    const int64_t span = scope->last > scope->first ? scope->last - scope->first : 1;
    return self->left + (double)(step - scope->first) / (double)span * self->width;
}

double sheet_y(const struct sheet *self, double value)
{
    const double share = (place(self, value) - self->low) / (self->high - self->low);
    return isnan(share) ? NAN : self->top + (1 - fmin(fmax(share, 0), 1)) * self->height;
}

/* 1, 2 or 5 times a power of ten, so that about `count` of it make `span`. */
static double round_unit(double span, int count)
{
    const double rough = span / count, power = pow(10, floor(log10(rough))), share = rough / power;
    return power * (share > 5 ? 10 : share > 2 ? 5 : share > 1 ? 2 : 1);
}

/* Multiples of `unit` between two values. */
static int multiples(double *value, double unit, double low, double high)
{
    int count = 0;
    for (double k = ceil(low / unit); k * unit <= high && count < SHEET_TICKS; k++) value[count++] = k * unit;
    return count;
}

int sheet_values(const struct sheet *self, double value[SHEET_TICKS])
{
    enum { WANTED = 7 };
    const double low = self->by_log ? pow(10, self->low) : self->low,
                 high = self->by_log ? pow(10, self->high) : self->high;
    if (!self->by_log || self->high - self->low < 1.5)
        return multiples(value, round_unit(high - low, WANTED), low, high);
    const int count = multiples(value, fmax(1, round_unit(self->high - self->low, WANTED)), self->low, self->high);
    for (int i = 0; i < count; i++) value[i] = pow(10, value[i]);
    return count;
}

int sheet_steps(const struct sheet *self, int64_t step[SHEET_TICKS])
{
    enum { WANTED = 8 };
    const struct scope *scope = self->chart->scope;
    const double unit = fmax(1, round_unit((double)(scope->last - scope->first) + 1e-9, WANTED));
    int count = 0;
    for (double k = ceil((double)scope->first / unit); k * unit <= (double)scope->last && count < SHEET_TICKS; k++)
        step[count++] = (int64_t)(k * unit);
    return count;
}

struct series_bucket sheet_column(const struct sheet *self, const struct series *series, int column)
{
    const struct scope *scope = self->chart->scope;
    const double width = (double)(scope->last - scope->first + 1) / self->width;
    return series_range(series, series_find(series, scope->first + (int64_t)ceil(column * width)),
                        series_find(series, scope->first + (int64_t)ceil((column + 1) * width)));
}

bool sheet_is_smooth(const struct sheet *self, const struct chart_line *line)
{
    return line->band != line->slot && !self->chart->scope->lens->raw;
}

bool sheet_next(const struct sheet *self, const struct series *series, bool smooth, size_t *at, double *x, double *y)
{
    const size_t first = series_find(series, self->chart->scope->first),
                 last = series_find(series, self->chart->scope->last + 1),
                 every = (last - first) / (2 * (size_t)self->width) + 1, k = first + *at * every;
    if (k >= last) return false;
    const double value = smooth ? (double)series->smooth[k] : series->point[k].value;
    *x = sheet_x(self, series->point[k].step);
    *y = isfinite(value) ? sheet_y(self, value) : NAN;
    ++*at;
    return true;
}

const char *sheet_label(const struct sheet *self, const struct chart_line *line)
{
    return line->label && line->label[0] ? line->label : self->chart->title;
}
