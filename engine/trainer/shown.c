/* Pictures of a batch for screens (engine/log/documents.c): what the model gets, after augmentation and before it
 * normalizes, made small by whole factors, with what it took them for. Costs a step some 3 ms (16 of 224 x 224 pixels).
 */
#include "data/base/base64.h"
#include "data/base/clock.h"
#include "engine/log/wire.h"
#include "engine/trainer/run.h"

#include <math.h>

enum { EVERY_S = 60 };

/* One colour of a small picture's pixel: the mean of factor x factor of the large one's. */
static uint8_t mean(const uint8_t *from, size_t stride, int factor)
{
    uint32_t sum = 0;
    for (int y = 0; y < factor; y++)
        for (int x = 0; x < factor; x++) sum += from[(size_t)y * stride + (size_t)x * 3];
    const uint32_t pixels = (uint32_t)(factor * factor);
    return (uint8_t)((sum + pixels / 2) / pixels);
}

static void shrink(struct shown *shown, int64_t i, const uint8_t *pixels, int width, int factor)
{
    const size_t row = (size_t)width * 3, small_row = (size_t)shown->width * 3;
    uint8_t *to = shown->rgb + (size_t)i * (size_t)shown->height * small_row;
    for (int y = 0; y < shown->height; y++)
        for (size_t x = 0; x < small_row; x++)
            to[(size_t)y * small_row + x] = mean(
                pixels + (size_t)(y * factor) * row + x / 3 * 3 * (size_t)factor + x % 3, row, factor);
}

void shown_take(struct run *run, const struct batch *batch)
{
    struct shown *shown = &run->shown;
    const int64_t now = clock_ns();
    if (shown->held || !(shown->asked || now >= shown->due_ns)) return;
    int height, width;
    pipeline_size(run->train_pipeline, &height, &width);
    const int side = height > width ? height : width, factor = (side + SHOWN_SIDE - 1) / SHOWN_SIDE;
    if (height < factor || width < factor) return; /* a strip */
    shown->asked = false;
    shown->held = true;
    shown->due_ns = now + EVERY_S * (int64_t)1000000000;
    shown->step = run->at.step + 1;
    shown->count = batch->n < SHOWN_MAX ? batch->n : SHOWN_MAX;
    shown->height = height / factor;
    shown->width = width / factor;
    for (int64_t i = 0; i < shown->count; i++)
        shrink(shown, i, batch->pixels + (size_t)i * run->image_bytes, width, factor);
}

static json_t *picture(const struct run *run, const struct outcome *outcome, int64_t i)
{
    const struct shown *shown = &run->shown;
    const size_t bytes = (size_t)shown->height * (size_t)shown->width * 3;
    struct text rgb = {0};
    base64_add(&rgb, shown->rgb + (size_t)i * bytes, bytes);
    const float loss = outcome->loss[i];
    json_t *json = json_pack("{s:o, s:i, s:i, s:o, s:s}", "path",
                             wire_text(run->train.set->sample[outcome->sample[i]].path), "target",
                             (int)outcome->target[i], "predicted", (int)outcome->predicted[i], "loss",
                             isfinite(loss) ? json_real((double)loss) : json_null(), "rgb", text_get(&rgb));
    text_release(&rgb);
    return json;
}

void shown_tell(struct run *run, const struct outcome *outcome)
{
    struct shown *shown = &run->shown;
    if (!shown->held || shown->step != outcome->step) return;
    shown->held = false;
    json_t *pictures = json_array();
    for (int64_t i = 0; i < shown->count; i++) json_array_append_new(pictures, picture(run, outcome, i));
    log_document(run->log, "batch",
                 json_pack("{s:I, s:i, s:i, s:o}", "step", (json_int_t)shown->step, "height", shown->height, "width",
                           shown->width, "pictures", pictures));
}
