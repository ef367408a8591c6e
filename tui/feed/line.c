#include "tui/feed/line.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { INPUT_MAX = 64 << 20 };

/* Whole frames out of what arrived; false when it is no run that talks there. */
static bool take_frames(struct line *self)
{
    size_t at = 0;
    for (;;) {
        enum wire_type type;
        const void *payload;
        size_t length;
        int64_t used = wire_next(self->in.bytes + at, self->in.length - at, &type, &payload, &length);
        if (used < 0 || (used > 0 && !feed_apply(self->feed, type, payload, length))) return false;
        if (used == 0) break;
        at += (size_t)used;
    }
    memmove(self->in.bytes, self->in.bytes + at, self->in.length - at);
    self->in.length -= at;
    return true;
}

void line_read(struct line *self)
{
    char block[65536];
    for (int i = 0; i < 16 && !self->lost; i++) {
        ssize_t got = read(self->fd, block, sizeof block);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
        if (got > 0) text_add_bytes(&self->in, block, (size_t)got);
        self->lost = got <= 0 || self->in.length > INPUT_MAX || !take_frames(self);
    }
}

void line_write(struct line *self, struct text *out)
{
    while (out->length > 0) {
        ssize_t wrote = write(self->fd, out->bytes, out->length);
        if (wrote <= 0) return; /* full: poll says when there is room; gone: reading will tell */
        memmove(out->bytes, out->bytes + wrote, out->length - (size_t)wrote);
        out->length -= (size_t)wrote;
    }
}
