#include "tui/screen.h"

#include "data/base/clock.h"
#include "tui/app.h"
#include "tui/term/term.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FRAME_MS = 250, TICK_MS = 1000, INPUT_MAX = 64 << 20 };

struct session {
    struct app app;
    struct canvas canvas;
    struct text in;
    int fd;
    uint64_t drawn; /* version of the feed that is on the screen */
    int64_t drawn_ns, ticked_ns;
};

/* Whole frames out of what arrived; false when it is no run that talks there. */
static bool take_frames(struct session *self)
{
    size_t at = 0;
    for (;;) {
        enum wire_type type;
        const void *payload;
        size_t length;
        int64_t used = wire_next(self->in.bytes + at, self->in.length - at, &type, &payload, &length);
        if (used < 0 || (used > 0 && !feed_apply(&self->app.feed, type, payload, length))) return false;
        if (used == 0) break;
        at += (size_t)used;
    }
    memmove(self->in.bytes, self->in.bytes + at, self->in.length - at);
    self->in.length -= at;
    return true;
}

static void read_run(struct session *self)
{
    char block[65536];
    for (int i = 0; i < 16; i++) {
        ssize_t got = read(self->fd, block, sizeof block);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
        if (got <= 0) {
            self->app.lost = true;
            break;
        }
        text_add_bytes(&self->in, block, (size_t)got);
        if (self->in.length > INPUT_MAX || !take_frames(self)) {
            self->app.lost = true;
            break;
        }
    }
}

static void write_run(struct session *self)
{
    struct text *out = &self->app.out;
    while (out->length > 0) {
        ssize_t wrote = write(self->fd, out->bytes, out->length);
        if (wrote <= 0) return; /* full: poll says when there is room; gone: reading will tell */
        memmove(out->bytes, out->bytes + wrote, out->length - (size_t)wrote);
        out->length -= (size_t)wrote;
    }
}

static void read_keys(struct session *self)
{
    int key;
    while ((key = term_key()) != TERM_NONE && !self->app.leave) {
        if (key == TERM_HANGUP)
            self->app.leave = true;
        else if (key == TERM_RESIZE)
            self->app.repaint = true;
        else
            app_key(&self->app, key, clock_ns());
    }
    if (self->app.suspend) {
        self->app.suspend = false;
        term_suspend();
        self->app.repaint = true;
    }
}

/* Draws when something changed: at once for keys, else at most four times a second, never while the terminal is behind.
 */
static void draw(struct session *self, bool at_once)
{
    int64_t now = clock_ns();
    int width, height;
    term_size(&width, &height);
    bool resized = width != self->canvas.width || height != self->canvas.height;
    bool due = at_once || resized || self->app.repaint || now - self->drawn_ns >= FRAME_MS * (int64_t)1000000;
    bool changed = resized || self->app.repaint ||
                   (self->drawn != self->app.feed.version && (!self->app.frozen || at_once));
    if (!due || !changed || (term_is_busy() && !at_once)) return;
    if (resized) canvas_resize(&self->canvas, width, height);
    app_draw(&self->app, &self->canvas);
    term_draw(&self->canvas, self->app.repaint);
    self->app.repaint = false;
    self->drawn = self->app.feed.version;
    self->drawn_ns = now;
}

static void tick(struct session *self)
{
    const int64_t now = clock_ns();
    if (now - self->ticked_ns < TICK_MS * (int64_t)1000000 || self->app.feed.ended) return;
    self->ticked_ns = now;
    app_tick(&self->app);
}

static void loop(struct session *self)
{
    while (!self->app.leave && !(self->app.lost && !self->app.feed.ended)) {
        bool run_there = !self->app.lost;
        struct pollfd fds[3] = {
            {.fd = term_fd(), .events = POLLIN},
            {.fd = term_signal_fd(), .events = POLLIN},
            {.fd = run_there ? self->fd : -1, .events = (short)(POLLIN | (self->app.out.length ? POLLOUT : 0))}};
        uint64_t before = self->app.feed.version;
        poll(fds, 3, self->drawn == before && !self->app.repaint ? TICK_MS : FRAME_MS);
        tick(self);
        if (fds[2].revents) read_run(self);
        uint64_t arrived = self->app.feed.version;
        read_keys(self);
        write_run(self);
        draw(self, self->app.feed.version != arrived);
    }
}

static void fill_end(struct session *self, struct screen_end *end)
{
    struct feed *feed = &self->app.feed;
    end->how = feed->ended ? SCREEN_RUN_ENDED : self->app.lost ? SCREEN_LOST : SCREEN_DETACHED;
    end->exit_code = feed->exit_code;
    end->sentence = feed->sentence;
    feed->sentence = NULL;
}

enum lt_err screen_run(const struct screen_options *options, struct screen_end *end)
{
    struct session self = {.fd = options->fd, .app = {.read_only = options->read_only, .repaint = true}};
    struct term_options term = {.color = options->color, .glyphs = options->glyphs};
    struct theme theme;
    theme_default(&theme);
    enum lt_err err = term_open(&term, &theme);
    if (err == LT_OK) {
        fcntl(self.fd, F_SETFL, fcntl(self.fd, F_GETFL) | O_NONBLOCK);
        self.canvas.ascii = !term_has_glyphs();
        draw(&self, true);
        loop(&self);
        term_close();
        fill_end(&self, end);
    }
    close(self.fd);
    canvas_release(&self.canvas);
    text_release(&self.in);
    app_release(&self.app);
    return err;
}
