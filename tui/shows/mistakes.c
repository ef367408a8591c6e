/* Mistakes of the newest validation that cost most, with their pictures. */
#include "tui/shows/show.h"

static const json_t *sample_at(const struct data_state *self, int i)
{
    return json_array_get(json_object_get(self->document[SHOW_mistakes].json, "samples"), (size_t)i);
}

static int size(const struct data_state *self, const struct feed *feed)
{
    (void)feed;
    return (int)json_array_size(json_object_get(self->document[SHOW_mistakes].json, "samples"));
}

static double key(const struct data_state *self, int i, int column)
{
    return show_sample_key(sample_at(self, i), i, column);
}

static void text(const struct data_state *self, const struct feed *feed, int i, struct text *out)
{
    (void)feed;
    show_sample_text(self, sample_at(self, i), out);
}

static struct show_picture picture_of(const struct data_state *self, int i)
{
    return (struct show_picture){.sample = sample_at(self, i)};
}

static void draw(struct data_state *self, const struct feed *feed, struct canvas *canvas, struct rect rect)
{
    const json_t *json = self->document[SHOW_mistakes].json;
    if (size(self, feed) == 0) {
        canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_DIM, "%s",
                    json_object_get(json, "samples") ? "the newest validation made no mistakes"
                                                     : "no validation yet; v validates now");
        return;
    }
    show_grid(self, canvas, rect, picture_of);
}

const struct show show_mistakes = {.name = "mistakes",
                                   .has_document = true,
                                   .column = show_sample_columns,
                                   .columns = 4,
                                   .size = size,
                                   .key = key,
                                   .text = text,
                                   .draw = draw};
