#include "tui/views/profiler_memory.h"

#include "tui/draw/chart.h"

bool profiler_memory_look(struct profiler_memory *self, const struct feed *feed)
{
    if (!feed->has_hello || !document_poll(&self->document, feed->hello.folder, "memory")) return false;
    size_t i;
    json_t *bytes;
    series_release(&self->live);
    self->live = (struct series){0};
    self->peak_mb = 0;
    json_array_foreach(json_object_get(self->document.json, "live"), i, bytes)
    {
        const double mb = json_number_value(bytes) * 1e-6;
        series_add(&self->live, (struct wire_point){.step = (int64_t)i + 1, .value = mb});
        if (mb <= self->peak_mb) continue;
        self->peak_mb = mb;
        self->peak = (int)i;
    }
    return true;
}

static double mb_of(const struct profiler_memory *self, const char *key)
{
    return json_number_value(json_object_get(self->document.json, key)) * 1e-6;
}

void profiler_memory_draw(const struct profiler_memory *self, struct canvas *canvas, struct rect rect)
{
    static const struct lens lens = {.raw = true};
    if (self->live.count == 0) {
        canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_DIM, "this run does not say what its memory holds");
        return;
    }
    const char *name = json_string_value(
        json_array_get(json_object_get(self->document.json, "name"), (size_t)self->peak));
    struct rect row = rect_take(&rect, 1);
    canvas_text(canvas, row.x, row.y, row.width, SLOT_TEXT,
                "at most %.1f MB of activations and gradients at once, in %s (instruction %d of %zu)", self->peak_mb,
                name ? name : "?", self->peak + 1, self->live.count);
    row = rect_take(&rect, 1);
    canvas_text(canvas, row.x, row.y, row.width, SLOT_DIM,
                "arena %.1f MB, parameters %.1f MB, their gradients %.1f MB, optimizer %.1f MB", mb_of(self, "arena"),
                mb_of(self, "parameters"), mb_of(self, "gradients"), mb_of(self, "states"));
    const struct scope scope = {.lens = &lens, .first = 1, .last = (int64_t)self->live.count};
    const struct chart chart = {
        .title = "memory over a step, MB, by instruction: forward, then backward",
        .line = {{.series = &self->live, .label = "in use", .slot = SLOT_TRAIN, .band = SLOT_TRAIN}},
        .scope = &scope};
    if (rect.height > 0) chart_draw(canvas, rect, &chart);
}

void profiler_memory_release(struct profiler_memory *self)
{
    document_release(&self->document);
    series_release(&self->live);
}
