/* The data: how the loader keeps up, and one of the shows (tui/shows): classes, the confusion matrix, mistakes,
 * pictures of a batch, files that cannot be read. */
#include "tui/draw/thumbnail.h"
#include "tui/shows/show.h"
#include "tui/term/term.h"
#include "tui/views/view.h"

#include "data/base/memory.h"

#include <inttypes.h>
#include <stdlib.h>

static const struct show *const shows[SHOWS] = {
#define SHOW(name) &show_##name,
#include "tui/shows/shows.def"
#undef SHOW
};

static void release(void *state)
{
    struct data_state *self = state;
    for (int i = 0; i < SHOWS; i++) document_release(&self->document[i]);
    free(self->pixels);
    free(self->score);
    free(self->row);
    thumbnail_release();
}

static bool poll_documents(struct data_state *self, const struct feed *feed)
{
    bool newer = false;
    for (int i = 0; i < SHOWS && feed->has_hello; i++) {
        if (!shows[i]->has_document) continue;
        if (!document_poll(&self->document[i], feed->hello.folder, shows[i]->name)) continue;
        if (shows[i]->read) shows[i]->read(self);
        newer = true;
    }
    return newer;
}

static bool tick(struct app *app, void *state)
{
    return app->view == VIEW_data && poll_documents(state, &app->feed);
}

/* ---- rows ---- */

static const struct data_state *sorted; /* qsort has no argument; the screen's thread only */

static int compare(const void *a, const void *b)
{
    const int i = *(const int *)a, k = *(const int *)b, column = sorted->sorting[sorted->show].column;
    const double x = shows[sorted->show]->key(sorted, i, column), y = shows[sorted->show]->key(sorted, k, column);
    const int order = x > y ? -1 : x < y ? 1 : i - k;
    return sorted->sorting[sorted->show].inverted ? -order : order;
}

static void collect(struct data_state *self, const struct feed *feed)
{
    const struct show *show = shows[self->show];
    const int all = show->size(self, feed);
    struct text words = {0};
    self->count = 0;
    for (int i = 0; i < all; i++) {
        text_clear(&words);
        if (self->filter.text[0]) show->text(self, feed, i, &words);
        if (!filter_passes(&self->filter, text_get(&words))) continue;
        self->row = memory_grow(self->row, (size_t)self->count, &self->row_capacity, sizeof *self->row);
        self->row[self->count++] = i;
    }
    sorted = self;
    if (self->count) qsort(self->row, (size_t)self->count, sizeof *self->row, compare);
    text_release(&words);
}

/* ---- picture ---- */

static void draw_loader(const struct feed *feed, struct canvas *canvas, struct rect rect)
{
    const struct run_status *s = &feed->status;
    const double wait = s->step_ms > 0 ? 100 * s->phase_ms[SPAN_DATA] / s->step_ms : 0;
    int x = rect.x + canvas_text(canvas, rect.x, rect.y, rect.width, SLOT_TEXT,
                                 "loader: %" PRId64 " of %" PRId64 " batches ready, %.0f pictures/s, ", s->queued,
                                 s->ring, s->samples_per_s);
    x += canvas_text(canvas, x, rect.y, rect.x + rect.width - x, wait > 10 ? SLOT_WARNING : SLOT_TEXT,
                     "%.0f %% of a step waits for data", wait);
    if (s->bad_files)
        canvas_text(canvas, x, rect.y, rect.x + rect.width - x, SLOT_BAD, ", %" PRId64 " files cannot be read",
                    s->bad_files);
}

static void draw_head(const struct data_state *self, struct canvas *canvas, struct rect rect)
{
    int x = rect.x;
    for (int i = 0; i < SHOWS; i++)
        x += 2 + canvas_text(canvas, x, rect.y, rect.x + rect.width - x, i == self->show ? SLOT_CHOSEN : SLOT_DIM, "%s",
                             shows[i]->name);
    filter_draw(&self->filter, canvas, x, rect.y, rect.x + rect.width - x);
}

static void draw(struct app *app, void *state, struct canvas *canvas, struct rect rect)
{
    struct data_state *self = state;
    poll_documents(self, &app->feed);
    collect(self, &app->feed);
    draw_loader(&app->feed, canvas, rect_take(&rect, 1));
    draw_head(self, canvas, rect_take(&rect, 1));
    if (rect.height) shows[self->show]->draw(self, &app->feed, canvas, rect);
}

/* ---- keys ---- */

static struct view_list list(void *state)
{
    struct data_state *self = state;
    return (struct view_list){.list = &self->list,
                              .filter = &self->filter,
                              .sorting = &self->sorting[self->show],
                              .columns = shows[self->show]->columns,
                              .count = self->count,
                              .rows = self->rows};
}

static void row(const struct app *app, const void *state, int at, struct text *out)
{
    const struct data_state *self = state;
    shows[self->show]->text(self, &app->feed, self->row[at], out);
}

/* Where pictures stand in a grid, rows are apart by its width. */
static bool typed(struct app *app, void *state, int key)
{
    struct data_state *self = state;
    const bool left = key == TERM_LEFT || key == 'h', right = key == TERM_RIGHT || key == 'l',
               up = key == TERM_UP || key == 'k', down = key == TERM_DOWN || key == 'j';
    (void)app;
    if (self->filter.open || (self->show != SHOW_mistakes && self->show != SHOW_batch)) return false;
    if (!left && !right && !up && !down) return false;
    const int to = self->list.chosen + (left ? -1 : right ? 1 : up ? -self->rows : self->rows);
    if (to >= 0 && to < self->count) self->list.chosen = to;
    return true;
}

/* Looking changes nothing, but a screen that only looks sends nothing either. */
static void ask_for_batch(struct app *app)
{
    if (!app->read_only && !app->feed.hello.stored) app_ask(app, COMMAND_SHOW_BATCH, NULL);
}

static void show_next(struct app *app, struct data_state *self, int by)
{
    self->show = (self->show + by + SHOWS) % SHOWS;
    self->list = (struct list){0};
    self->filter = (struct filter){0};
    if (self->show == SHOW_batch) ask_for_batch(app);
}

static void do_other(struct app *app, void *state)
{
    show_next(app, state, 1);
}

static void do_before(struct app *app, void *state)
{
    show_next(app, state, -1);
}

static void do_batch(struct app *app, void *state)
{
    struct data_state *self = state;
    if (self->show != SHOW_batch)
        show_next(app, self, SHOW_batch - self->show);
    else
        app_ask(app, COMMAND_SHOW_BATCH, NULL);
}

static const struct view_key keys[] = {
    {'o', '\n', "o Enter", "classes, confusion, mistakes, batch, unreadable", "next list", do_other},
    {'O', 'O', "O", "the one before", NULL, do_before},
    {'r', 'r', "r", "pictures of the batch that comes next", "batch", do_batch},
};

const struct view view_data = {.name = "data",
                               .state_bytes = sizeof(struct data_state),
                               .release = release,
                               .draw = draw,
                               .tick = tick,
                               .typed = typed,
                               .list = list,
                               .row = row,
                               .sorts = true,
                               VIEW_KEYS(keys)};
