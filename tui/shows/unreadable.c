/* Files that cannot be read, the newest first. */
#include "tui/shows/show.h"

#include <string.h>

static const char *const columns[] = {"newest"};

static bool is_bad_file(const struct feed_event *event)
{
    return strcmp(event->kind, "bad_file") == 0;
}

static int size(const struct data_state *self, const struct feed *feed)
{
    int count = 0;
    (void)self;
    for (size_t i = 0; i < feed->events; i++) count += is_bad_file(&feed->event[i]);
    return count;
}

static double key(const struct data_state *self, int i, int column)
{
    (void)self, (void)column;
    return i;
}

/* The event of the i-th such file. */
static const struct feed_event *event_at(const struct feed *feed, int i)
{
    size_t at = 0;
    while (!is_bad_file(&feed->event[at]) || i-- > 0) at++;
    return &feed->event[at];
}

static void text(const struct data_state *self, const struct feed *feed, int i, struct text *out)
{
    (void)self;
    text_add(out, "%s", event_at(feed, i)->text);
}

static void draw(struct data_state *self, const struct feed *feed, struct canvas *canvas, struct rect rect)
{
    self->rows = rect.height;
    list_settle(&self->list, self->count, rect.height, false);
    if (size(self, feed) == 0)
        canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_DIM,
                    "every file could be read; lathe data check reads all");
    for (int i = 0; i < rect.height && self->list.top + i < self->count; i++) {
        const int at = self->list.top + i;
        list_mark(&self->list, canvas, (struct rect){rect.x, rect.y + i, rect.width, 1}, at);
        canvas_text(canvas, rect.x + 2, rect.y + i, rect.width - 2, SLOT_WARNING, "%s",
                    event_at(feed, self->row[at])->text);
    }
}

const struct show show_unreadable = {
    .name = "unreadable", .column = columns, .columns = 1, .size = size, .key = key, .text = text, .draw = draw};
