#include "tui/term/kitty.h"

#include "data/base/base64.h"
#include "tui/draw/raster.h"
#include "tui/term/escapes.h"
#include "tui/term/term.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELD_MAX = 64, PIECE = 4096 };

/* ---- does the terminal have it? ---- */

static enum { UNASKED, GREETED, ASKED, THERE, ABSENT } state;
static bool named;    /* it said which it is */
static bool answered; /* the part that every terminal answers (DA1), of the last question */
static char heard[256];
static size_t heard_length;

static bool begins(const char *text, const char *start)
{
    return text && strncmp(text, start, strlen(start)) == 0;
}

static bool may_ask(void)
{
    const char *name = getenv("TERM");
    return !getenv("TMUX") && !begins(name, "screen") && !begins(name, "tmux") && !escapes_is_console();
}

static void ask(void)
{
    static const char question[] = "\033_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\033\\\033[c";
    escapes_send(question, sizeof question - 1);
    state = ASKED;
}

/* Some terminals, libvterm's among them, print a question that they do not understand. So each is first asked for its
 * name and version (XTVERSION), which none of them prints; who tells it is new enough. */
void kitty_ask(void)
{
    static const char greeting[] = "\033[>q\033[c";
    const char *name = getenv("TERM");
    if (state != UNASKED) return;
    if (!may_ask()) {
        state = ABSENT;
    } else if (begins(name, "xterm-kitty") || begins(name, "xterm-ghostty")) {
        ask();
    } else {
        escapes_send(greeting, sizeof greeting - 1);
        state = GREETED;
    }
}

bool kitty_waits(void)
{
    return state != UNASKED && state != ABSENT && !answered;
}

bool kitty_is_there(void)
{
    return state == THERE;
}

static void settle(bool is_device)
{
    if (begins(heard, "P>|")) named = true;
    if (begins(heard, "_Gi=31;OK")) state = THERE;
    if (!is_device) return;
    if (state == GREETED && named) {
        ask();
        return;
    }
    answered = true;
    if (state != THERE) state = ABSENT;
}

/* "P>|" name Esc \, or "_Gi=31;OK" Esc \, or "[?" numbers "c" */
bool kitty_hear(char byte)
{
    const bool is_device = heard[0] == '[' && byte >= '@',
               ends = heard[0] == '_' || heard[0] == 'P' ? byte == '\\' || byte == '\a' : is_device;
    heard[heard_length++] = byte;
    if (!ends && heard_length < sizeof heard) return true;
    if (ends) settle(is_device && byte == 'c');
    memset(heard, 0, sizeof heard);
    heard_length = 0;
    return false;
}

/* ---- what it holds ---- */

static struct held {
    uint32_t id; /* 0: free */
    bool sent, is_placed;
    struct rect place;                   /* while it is placed */
    const struct canvas_picture *wanted; /* NULL: not to be seen */
    unsigned used;
} held[HELD_MAX];

static unsigned uses;
static struct text pieces; /* of the picture that is being sent: base64 */
static size_t pieces_at;
static struct held *sending;

static uint32_t doomed[HELD_MAX]; /* pictures that the terminal may forget */
static int dooms;

static void send_command(const char *format, uint32_t id)
{
    char text[96];
    const int length = snprintf(text, sizeof text, format, id);
    escapes_send(text, (size_t)length);
}

/* The place of a picture in the table; the one unused for longest makes room. NULL: all are wanted. */
static struct held *find(uint32_t id)
{
    struct held *oldest = NULL;
    for (int i = 0; i < HELD_MAX; i++) {
        if (held[i].id == id) return &held[i];
        const bool is_free = !held[i].wanted && &held[i] != sending;
        if (is_free && (!oldest || held[i].used < oldest->used)) oldest = &held[i];
    }
    if (!oldest) return NULL;
    if (oldest->sent && dooms < HELD_MAX) doomed[dooms++] = oldest->id;
    *oldest = (struct held){.id = id};
    return oldest;
}

void kitty_show(const struct canvas *canvas, bool anew)
{
    for (int i = 0; i < HELD_MAX; i++) {
        held[i].wanted = NULL;
        if (anew) held[i].place.width = -1; /* nowhere: so it is placed again */
    }
    for (size_t i = 0; i < canvas->pictures && canvas->has_pixels; i++) {
        struct held *self = find(canvas->picture[i].id);
        if (!self) continue;
        self->wanted = &canvas->picture[i];
        self->used = ++uses;
    }
}

/* ---- sending ---- */

/* At most 4096 characters in one command; all but the last say that more follow. */
static void send_piece(void)
{
    const size_t left = pieces.length - pieces_at, size = left < PIECE ? left : PIECE;
    struct text out = {0};
    if (pieces_at == 0)
        text_add(&out, "\033_Ga=t,f=100,i=%" PRIu32 ",q=2,m=%d;", sending->id, size < left);
    else
        text_add(&out, "\033_Gm=%d;", size < left);
    text_add_bytes(&out, pieces.bytes + pieces_at, size);
    text_add(&out, "\033\\");
    escapes_send(out.bytes, out.length);
    text_release(&out);
    pieces_at += size;
    if (pieces_at < pieces.length) return;
    sending->sent = true;
    sending = NULL;
    text_release(&pieces);
}

/* False: it cannot be made into a file. */
static bool begin_sending(struct held *self)
{
    struct text png = {0};
    const struct canvas_picture *picture = self->wanted;
    const enum lt_err err = raster_encode(&png, picture->rgb, picture->width, picture->height);
    if (err == LT_OK) {
        base64_add(&pieces, png.bytes, png.length);
        pieces_at = 0;
        sending = self;
    } else {
        self->wanted = NULL;
    }
    text_release(&png);
    return err == LT_OK;
}

/* Over its cells; the cursor stays where curses left it. */
static void place(struct held *self)
{
    const struct rect *at = &self->wanted->rect;
    char text[128];
    const int length = snprintf(text, sizeof text,
                                "\0337\033[%d;%dH\033_Ga=p,i=%" PRIu32 ",p=1,c=%d,r=%d,C=1,q=2\033\\\0338", at->y + 1,
                                at->x + 1, self->id, at->width, at->height);
    escapes_send(text, (size_t)length);
    self->is_placed = true;
    self->place = *at;
}

static bool is_misplaced(const struct held *self)
{
    return self->is_placed && (!self->wanted || memcmp(&self->place, &self->wanted->rect, sizeof self->place) != 0);
}

/* Takes away, then places, then sends what is new: a command each. False: nothing is left to do. */
static bool do_next(void)
{
    if (dooms) {
        send_command("\033_Ga=d,d=I,i=%" PRIu32 ",q=2\033\\", doomed[--dooms]);
        return true;
    }
    for (int i = 0; i < HELD_MAX; i++) {
        if (!is_misplaced(&held[i])) continue;
        send_command("\033_Ga=d,d=i,i=%" PRIu32 ",q=2\033\\", held[i].id);
        held[i].is_placed = false;
        return true;
    }
    for (int i = 0; i < HELD_MAX; i++) {
        if (!held[i].wanted || !held[i].sent || held[i].is_placed) continue;
        place(&held[i]);
        return true;
    }
    for (int i = 0; i < HELD_MAX; i++)
        if (held[i].wanted && !held[i].sent) return begin_sending(&held[i]);
    return false;
}

bool kitty_pump(void)
{
    if (state != THERE) return false;
    if (term_is_busy()) return true;
    if (sending) {
        send_piece();
        return true;
    }
    return do_next();
}

void kitty_close(void)
{
    if (sending) escapes_send("\033_Gm=0;\033\\", 9); /* a picture that is cut off: dropped */
    if (sending) sending->sent = true;
    for (int i = 0; i < HELD_MAX; i++)
        if (held[i].sent) send_command("\033_Ga=d,d=I,i=%" PRIu32 ",q=2\033\\", held[i].id);
    memset(held, 0, sizeof held);
    sending = NULL;
    dooms = 0;
    text_release(&pieces);
}
