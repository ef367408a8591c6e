#include "tui/screen.h"

#include "data/base/clock.h"
#include "data/base/memory.h"
#include "tui/app.h"
#include "tui/feed/line.h"
#include "tui/term/term.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* At most two frames a second, fewer where they are large: what came unasked takes LINE_BYTES a second, as over a slow
 * line, but no frame is older than SLOW_FRAME_MS. */
enum { FRAME_MS = 500, SLOW_FRAME_MS = 2500, TICK_MS = 1000, PIECE_MS = 10, LINE_BYTES = 1100 };

struct session {
    struct app app;
    struct canvas canvas;
    struct line *line; /* the run's own first, then those it is compared with */
    size_t lines;
    uint64_t drawn; /* version of what is on the screen */
    int64_t drawn_ns, ticked_ns;
    int64_t owed;         /* bytes sent before their time, at drawn_ns */
    bool titled, sending; /* sending: pictures */
};

/* Changes with everything that is new. */
static uint64_t version(const struct session *self)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < self->lines; i++) sum += self->line[i].feed->version;
    return sum;
}

/* What the preferences say, for the terminal. */
static struct term_options look_of(const struct preferences *look, struct theme *theme)
{
    if (theme_load(theme, look->value[PREFERENCE_THEME]) != LT_OK) theme_default(theme); /* it was there just now */
    return (struct term_options){.color = look->value[PREFERENCE_COLOR],
                                 .glyphs = look->value[PREFERENCE_GLYPHS],
                                 .mouse = preferences_on(look, PREFERENCE_MOUSE)};
}

/* The person changed something: it shows at once. */
static void follow_look(struct session *self)
{
    struct theme theme;
    const struct term_options term = look_of(&self->app.look, &theme);
    self->app.restyle = false;
    if (term_set_look(&term, &theme) != LT_OK) return; /* as it was */
    self->app.repaint = true;
}

static void read_keys(struct session *self)
{
    int key;
    while ((key = term_key()) != TERM_NONE && !self->app.leave) {
        if (key == TERM_HANGUP)
            self->app.leave = true;
        else if (key == TERM_RESIZE)
            self->app.repaint = true;
        else if (key == TERM_PIXELS)
            self->app.feed.version++;
        else if (key == TERM_MOUSE)
            app_mouse(&self->app, term_mouse(), clock_ns());
        else
            app_key(&self->app, key, clock_ns());
        if (self->app.copy.length) {
            if (!term_copy(text_get(&self->app.copy)))
                app_say(&self->app, "; not in the clipboard: too long, or a terminal without one");
            text_clear(&self->app.copy);
        }
    }
    if (self->app.restyle) follow_look(self);
    if (self->app.suspend) {
        self->app.suspend = false;
        term_suspend();
        self->app.repaint = true;
    }
}

/* From one frame that nobody asked for to the next; who wants little motion always waits the longest. */
static int64_t frame_ns(const struct session *self)
{
    int64_t ms = self->owed * 1000 / LINE_BYTES;
    if (ms < FRAME_MS) ms = FRAME_MS;
    if (ms > SLOW_FRAME_MS || preferences_on(&self->app.look, PREFERENCE_REDUCED_MOTION)) ms = SLOW_FRAME_MS;
    return ms * 1000000;
}

static void count_bytes(struct session *self, int64_t bytes, int64_t since_ns)
{
    const int64_t paid = since_ns / 1000000 * LINE_BYTES / 1000;
    self->owed = (self->owed > paid ? self->owed - paid : 0) + bytes;
}

/* The terminal's window or pane bears the run's name. */
static void name_window(struct session *self)
{
    char title[128];
    if (self->titled || !self->app.feed.has_hello) return;
    snprintf(title, sizeof title, "lathe %.100s", self->app.feed.hello.name);
    term_title(title);
    self->titled = true;
}

/* Draws when something changed: at once for keys, else when a frame is due, never while the terminal is behind. */
static void draw(struct session *self, bool at_once)
{
    int64_t now = clock_ns();
    int width, height;
    term_size(&width, &height);
    bool resized = width != self->canvas.width || height != self->canvas.height;
    bool due = at_once || resized || self->app.repaint || now - self->drawn_ns >= frame_ns(self);
    bool changed = resized || self->app.repaint || (self->drawn != version(self) && (!self->app.frozen || at_once));
    if (!due || !changed || (term_is_busy() && !at_once)) return;
    if (resized) canvas_resize(&self->canvas, width, height);
    name_window(self);
    term_prepare(&self->canvas);
    app_draw(&self->app, &self->canvas);
    const int64_t bytes = term_draw(&self->canvas, self->app.repaint);
    count_bytes(self, at_once || resized || self->app.repaint ? 0 : bytes, now - self->drawn_ns);
    self->app.repaint = false;
    self->drawn = version(self);
    self->drawn_ns = now;
}

static void tick(struct session *self)
{
    const int64_t now = clock_ns();
    if (now - self->ticked_ns < TICK_MS * (int64_t)1000000 ||
        ((self->app.feed.ended || self->app.lost) && !self->app.prompt.starting))
        return;
    self->ticked_ns = now;
    app_tick(&self->app);
}

static void wait_for_something(struct session *self, struct pollfd *fds)
{
    fds[0] = (struct pollfd){.fd = term_fd(), .events = POLLIN};
    fds[1] = (struct pollfd){.fd = term_signal_fd(), .events = POLLIN};
    for (size_t i = 0; i < self->lines; i++)
        fds[2 + i] = (struct pollfd){.fd = self->line[i].lost ? -1 : self->line[i].fd, .events = POLLIN};
    if (self->app.out.length) fds[2].events |= POLLOUT;
    const bool still = self->drawn == version(self) && !self->app.repaint;
    poll(fds, 2 + self->lines, self->sending ? PIECE_MS : still ? TICK_MS : FRAME_MS);
}

/* A run that is gone leaves its last picture, but not what never was one, nor a log that cannot be read. */
static void lose(struct session *self)
{
    const struct feed *feed = &self->app.feed;
    if (feed->ended || (feed->has_status && !feed->foreign && !feed->hello.stored)) {
        app_lose(&self->app);
    } else {
        self->app.lost = self->app.leave = true;
    }
}

static void loop(struct session *self)
{
    struct pollfd *fds = memory_new(2 + self->lines, sizeof *fds);
    while (!self->app.leave) {
        const bool has_status = self->app.feed.has_status;
        wait_for_something(self, fds);
        tick(self);
        for (size_t i = 0; i < self->lines; i++)
            if (fds[2 + i].revents) line_read(&self->line[i]);
        if (self->line[0].lost && !self->app.lost) lose(self);
        uint64_t arrived = version(self);
        read_keys(self);
        line_write(&self->line[0], &self->app.out);
        draw(self, version(self) != arrived || has_status != self->app.feed.has_status); /* the first is awaited */
        self->sending = term_send_pictures();
    }
    free(fds);
}

static void fill_end(struct session *self, struct screen_end *end)
{
    struct feed *feed = &self->app.feed;
    end->how = feed->ended      ? SCREEN_RUN_ENDED
               : feed->foreign  ? SCREEN_FOREIGN
               : self->app.lost ? SCREEN_LOST
                                : SCREEN_DETACHED;
    end->exit_code = feed->exit_code;
    end->open_log = self->app.open_log;
    end->look = self->app.look;
    end->sentence = feed->sentence;
    feed->sentence = NULL;
}

static void open_lines(struct session *self, const struct screen_options *options)
{
    self->app.others = options->others;
    self->app.other = memory_new(options->others + 1, sizeof *self->app.other);
    self->lines = options->others + 1;
    self->line = memory_new(self->lines, sizeof *self->line);
    self->line[0] = (struct line){.fd = options->fd, .feed = &self->app.feed};
    for (size_t i = 0; i < options->others; i++)
        self->line[i + 1] = (struct line){.fd = options->other[i], .feed = &self->app.other[i]};
    for (size_t i = 0; i < self->lines; i++)
        fcntl(self->line[i].fd, F_SETFL, fcntl(self->line[i].fd, F_GETFL) | O_NONBLOCK);
}

static void release(struct session *self)
{
    for (size_t i = 0; i < self->lines; i++) {
        close(self->line[i].fd);
        text_release(&self->line[i].in);
    }
    free(self->line);
    canvas_release(&self->canvas);
    app_release(&self->app);
}

enum lt_err screen_run(const struct screen_options *options, struct screen_end *end)
{
    struct session self = {.app = {.read_only = options->read_only, .repaint = true}};
    struct theme theme;
    self.app.look = *options->preferences;
    const struct term_options term = look_of(&self.app.look, &theme);
    open_lines(&self, options);
    enum lt_err err = term_open(&term, &theme);
    if (err == LT_OK) {
        draw(&self, true);
        loop(&self);
        term_close();
        fill_end(&self, end);
    }
    release(&self);
    return err;
}
