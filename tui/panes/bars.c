/* Three bars: the whole run in epochs, the batches of this epoch, and the evaluation that is going on; beside them
 * speed and clocks. */
#include "tui/panes/pane.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LABEL = 7, COUNT = 14, EXTRA = 32 };

static void draw_bar(struct canvas *canvas, int x, int y, int width, double share)
{
    double filled = (share < 0 ? 0 : share > 1 ? 1 : share) * width;
    for (int i = 0; i < width; i++) {
        enum glyph glyph = i + 1 <= filled ? GLYPH_BAR_FULL : i + 0.5 <= filled ? GLYPH_BAR_HALF : GLYPH_BAR_REST;
        canvas_put(canvas, x + i, y, canvas_glyph(canvas, glyph), glyph == GLYPH_BAR_REST ? SLOT_BAR_REST : SLOT_BAR);
    }
}

static void draw_row(struct canvas *canvas, struct rect rect, int row, const char *label, double share,
                     const char *count, const char *extra)
{
    const int room = rect.width >= 40 ? COUNT : (int)strlen(count) + 2; /* else every column is needed */
    int y = rect.y + row, tail = rect.width >= 76 ? EXTRA : 0, bar = rect.width - LABEL - room - tail;
    if (row >= rect.height) return;
    if (bar < 3) bar = 0;
    canvas_text(canvas, rect.x, y, LABEL, SLOT_DIM, "%s", label);
    draw_bar(canvas, rect.x + LABEL, y, bar, share);
    canvas_text(canvas, rect.x + LABEL + bar + (bar ? 1 : 0), y, room - 1, SLOT_VALUE, "%s", count);
    if (tail) canvas_text(canvas, rect.x + rect.width - tail, y, tail, SLOT_TEXT, "%s", extra);
}

static void epoch_row(struct canvas *canvas, struct rect rect, const struct run_status *s)
{
    char count[48], extra[80], elapsed[16], left[16];
    double done = (double)s->epoch + (s->batches ? (double)s->batch / (double)s->batches : 0);
    text_clock(elapsed, s->elapsed_s);
    text_clock(left, s->left_s);
    if (s->epochs > 0)
        snprintf(count, sizeof count, "%" PRId64 "/%" PRId64, s->epoch < s->epochs ? s->epoch + 1 : s->epochs,
                 s->epochs);
    else
        snprintf(count, sizeof count, "%" PRId64, s->epoch + 1);
    snprintf(extra, sizeof extra, "time %s  left %s", elapsed, left);
    draw_row(canvas, rect, 0, "epoch",
             s->epochs > 0  ? done / (double)s->epochs
             : s->steps > 0 ? (double)s->step / (double)s->steps
                            : 0,
             count, extra);
}

static void batch_row(struct canvas *canvas, struct rect rect, const struct run_status *s)
{
    char count[48], extra[80];
    snprintf(count, sizeof count, "%" PRId64 "/%" PRId64, s->batch, s->batches);
    snprintf(extra, sizeof extra, "%7.0f img/s  %7.1f ms/step", s->samples_per_s, s->step_ms);
    draw_row(canvas, rect, 1, "batch", s->batches ? (double)s->batch / (double)s->batches : 0, count, extra);
}

static void evaluation_row(struct canvas *canvas, struct rect rect, const struct run_status *s)
{
    char count[48] = "", extra[112] = "";
    if (s->eval_batches > 0) snprintf(count, sizeof count, "%" PRId64 "/%" PRId64, s->eval_batch, s->eval_batches);
    if (s->doing[0])
        snprintf(extra, sizeof extra, "%s", s->doing);
    else if (isfinite(s->best))
        snprintf(extra, sizeof extra, "best %s %.4f", s->monitor, s->best);
    draw_row(canvas, rect, 2, s->stage == STAGE_SANITY ? "sanity" : "valid",
             s->eval_batches ? (double)s->eval_batch / (double)s->eval_batches : 0, count, extra);
}

static void draw(struct canvas *canvas, struct rect rect, const struct scene *scene)
{
    const struct feed *feed = scene->feed;
    epoch_row(canvas, rect, &feed->status);
    batch_row(canvas, rect, &feed->status);
    evaluation_row(canvas, rect, &feed->status);
}

const struct pane pane_bars = {.name = "bars", .draw = draw};
