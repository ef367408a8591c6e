/* Where the time of a step goes: one stacked bar and what its colours mean. */
#include "tui/panes/pane.h"

#include <stdio.h>

static const struct {
    enum span_phase phase;
    enum theme_slot slot;
    char letter; /* in the bar, where there is no colour to tell */
} parts[] = {{SPAN_DATA, SLOT_PHASE_DATA, 'd'},
             {SPAN_TRANSFER, SLOT_PHASE_H2D, 'h'},
             {SPAN_FORWARD, SLOT_PHASE_FORWARD, 'f'},
             {SPAN_BACKWARD, SLOT_PHASE_BACKWARD, 'b'},
             {SPAN_OPTIMIZER, SLOT_PHASE_OPTIMIZER, 'o'},
             {SPAN_CALLBACKS, SLOT_PHASE_CALLBACKS, 'c'},
             {SPAN_LOG, SLOT_PHASE_OTHER, 'l'}};
enum { PARTS = sizeof parts / sizeof *parts };

static uint32_t block(const struct canvas *canvas, int part)
{
    return canvas->ascii ? (uint32_t)parts[part].letter : canvas_glyph(canvas, GLYPH_BAR_FULL);
}

static void draw_bar(struct canvas *canvas, struct rect rect, const double *ms, double whole)
{
    double sum = 0;
    int x = 0;
    for (int i = 0; i < PARTS; i++) {
        sum += ms[parts[i].phase];
        int end = (int)(sum / whole * rect.width + 0.5);
        for (; x < end && x < rect.width; x++) canvas_put(canvas, rect.x + x, rect.y, block(canvas, i), parts[i].slot);
    }
    for (; x < rect.width; x++)
        canvas_put(canvas, rect.x + x, rect.y, canvas_glyph(canvas, GLYPH_BAR_REST), SLOT_BAR_REST);
}

static void draw_legend(struct canvas *canvas, struct rect rect, const double *ms, double whole)
{
    int x = rect.x, end = rect.x + rect.width;
    for (int i = 0; i < PARTS; i++) {
        char text[48];
        int width = snprintf(text, sizeof text, "%s %2.0f%%", span_name((int)parts[i].phase),
                             100 * ms[parts[i].phase] / whole);
        if (x + width + 2 > end) return;
        canvas_put(canvas, x, rect.y, block(canvas, i), parts[i].slot);
        x += 4 + canvas_text(canvas, x + 2, rect.y, end - x - 2, SLOT_TEXT, "%s", text);
    }
}

static void draw(struct canvas *canvas, struct rect rect, const struct scene *scene)
{
    const struct feed *feed = scene->feed;
    const double *ms = feed->status.phase_ms;
    double sum = 0, whole = feed->status.step_ms;
    for (int i = 0; i < PARTS; i++) sum += ms[parts[i].phase];
    if (whole < sum) whole = sum;
    char title[64];
    snprintf(title, sizeof title, "step time %.1f ms", feed->status.step_ms);
    canvas_rule(canvas, (struct rect){rect.x, rect.y, rect.width, 1}, title);
    if (!(whole > 0) || rect.height < 2) return;
    draw_bar(canvas, (struct rect){rect.x, rect.y + 1, rect.width, 1}, ms, whole);
    if (rect.height >= 3) draw_legend(canvas, (struct rect){rect.x, rect.y + 2, rect.width, 1}, ms, whole);
}

const struct pane pane_phases = {.name = "phases", .draw = draw};
