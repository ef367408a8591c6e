#include "tui/term/escapes.h"

#include "data/base/base64.h"
#include "tui/term/term.h"

#include <curses.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

enum { COPY_MAX = 74994 }; /* bytes; more in base64 is cut by some terminals (100,000) */

static bool synchronized, drags;
static char title[200];

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static const char *terminal(void)
{
    const char *name = getenv("TERM");
    return name ? name : "";
}

bool escapes_is_console(void)
{
    const char *name = terminal();
    bool is_vt = begins(name, "vt") && name[2] >= '0' && name[2] <= '9'; /* vte is none */
    return is_vt || begins(name, "linux") || begins(name, "ansi") || begins(name, "cons25") || begins(name, "dumb");
}

void escapes_send(const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t wrote = write(STDOUT_FILENO, bytes, length);
        if (wrote < 0 && errno != EINTR) return;
        if (wrote < 0) continue;
        bytes += wrote;
        length -= (size_t)wrote;
    }
}

static const char *capability(const char *name)
{
    const char *text = tigetstr(name);
    return text && (intptr_t)text != -1 ? text : NULL; /* -1: no such capability */
}

/* ---- frames ---- */

/* Terminfo's extension Sync, or a terminal that is known to have it; others would ignore it, but be sent it in vain. */
static bool can_synchronize(void)
{
    static const char *const known[] = {"foot",    "alacritty", "xterm-kitty",   "kitty",
                                        "contour", "wezterm",   "xterm-ghostty", "ghostty"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (begins(terminal(), known[i])) return true;
    return capability("Sync") != NULL;
}

void escapes_begin_frame(void)
{
    if (synchronized) escapes_send("\033[?2026h", 8);
}

void escapes_end_frame(void)
{
    if (synchronized) escapes_send("\033[?2026l", 8);
}

/* ---- title ---- */

static void send_capability(const char *name)
{
    const char *text = capability(name);
    if (text) escapes_send(text, strlen(text));
}

static void send_title(void)
{
    if (!title[0] || !capability("tsl") || !capability("fsl")) return;
    const char *start = tiparm(capability("tsl"), 0);
    if (start) escapes_send(start, strlen(start));
    escapes_send(title, strlen(title));
    send_capability("fsl");
}

void term_title(const char *text)
{
    size_t length = 0;
    for (; *text && length + 1 < sizeof title; text++)
        if ((unsigned char)*text >= 32 && *text != 127) title[length++] = *text;
    title[length] = 0;
    send_title();
}

/* ---- the mouse ---- */

static void send_drags(bool on)
{
    if (capability("kmous") && !escapes_is_console()) escapes_send(on ? "\033[?1002h" : "\033[?1002l", 8);
}

void escapes_take_drags(bool take)
{
    if (take != drags) send_drags(take);
    drags = take;
}

/* ---- with the screen ---- */

void escapes_open(void)
{
    synchronized = can_synchronize();
    if (drags) send_drags(true);
    send_title();
}

void escapes_close(void)
{
    if (drags) send_drags(false);
    if (title[0] && capability("tsl")) send_capability("dsl");
}

/* ---- clipboard ---- */

bool term_copy(const char *text)
{
    struct text out = {0};
    size_t length = strlen(text);
    if (escapes_is_console() || length > COPY_MAX) return false;
    text_add(&out, "\033]52;c;");
    base64_add(&out, text, length);
    text_add(&out, "\a");
    escapes_send(text_get(&out), out.length);
    text_release(&out);
    return true;
}
