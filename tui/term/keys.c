#include "tui/term/keys.h"

#include "tui/term/escapes.h"
#include "tui/term/kitty.h"
#include "tui/term/term.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int signal_pipe[2] = {-1, -1};
static volatile sig_atomic_t hung_up;
static struct term_mouse mouse;
static bool hearing; /* the terminal is answering */

/* ---- signals ---- */

static void on_signal(int number)
{
    int saved = errno;
    if (number == SIGHUP || number == SIGTERM) hung_up = 1;
    ssize_t wrote = write(signal_pipe[1], "s", 1); /* a full pipe wakes as well */
    (void)wrote;
    errno = saved;
}

/* The last words of a crash: the terminal first, then the signal again with its own meaning. */
static void on_crash(int number)
{
    term_close();
    signal(number, SIG_DFL);
    raise(number);
}

enum lt_err keys_watch(void)
{
    if (signal_pipe[0] < 0 && pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0) return lt_fail_errno("make", "a pipe");
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART},
                     crash = {.sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND};
    const int watched[] = {SIGWINCH, SIGHUP, SIGTERM}, fatal[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
    for (size_t i = 0; i < sizeof watched / sizeof *watched; i++) sigaction(watched[i], &act, NULL);
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) sigaction(fatal[i], &crash, NULL);
    signal(SIGPIPE, SIG_IGN);
    return LT_OK;
}

/* ---- the mouse ---- */

void keys_take_mouse(bool take)
{
    static const mmask_t events = BUTTON1_PRESSED | BUTTON1_RELEASED | BUTTON2_PRESSED | BUTTON2_RELEASED |
                                  BUTTON3_PRESSED | BUTTON3_RELEASED | BUTTON4_PRESSED | BUTTON5_PRESSED | BUTTON_CTRL |
                                  BUTTON_ALT | REPORT_MOUSE_POSITION;
    mouseinterval(0); /* presses and releases as they come, never held back for a click */
    mousemask(take ? events : 0, NULL);
    escapes_take_drags(take);
}

/* False when it is nothing that the screen knows. */
static bool read_mouse(void)
{
    static const struct {
        mmask_t bit;
        enum term_mouse_kind kind;
        int button;
    } rows[] = {{BUTTON1_PRESSED, TERM_MOUSE_PRESS, 1},     {BUTTON1_RELEASED, TERM_MOUSE_RELEASE, 1},
                {BUTTON2_PRESSED, TERM_MOUSE_PRESS, 2},     {BUTTON2_RELEASED, TERM_MOUSE_RELEASE, 2},
                {BUTTON3_PRESSED, TERM_MOUSE_PRESS, 3},     {BUTTON3_RELEASED, TERM_MOUSE_RELEASE, 3},
                {BUTTON4_PRESSED, TERM_MOUSE_WHEEL_UP, 0},  {BUTTON5_PRESSED, TERM_MOUSE_WHEEL_DOWN, 0},
                {REPORT_MOUSE_POSITION, TERM_MOUSE_DRAG, 0}};
    MEVENT event;
    if (getmouse(&event) != OK) return false;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!(event.bstate & rows[i].bit)) continue;
        mouse = (struct term_mouse){.x = event.x, .y = event.y, .kind = rows[i].kind, .button = rows[i].button};
        mouse.control = event.bstate & BUTTON_CTRL;
        mouse.alt = event.bstate & BUTTON_ALT;
        return true;
    }
    return false;
}

struct term_mouse term_mouse(void)
{
    return mouse;
}

/* ---- keys ---- */

void keys_take_size(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
        resizeterm(size.ws_row, size.ws_col);
}

static bool drain_signals(void)
{
    char bytes[64];
    bool any = false;
    while (read(signal_pipe[0], bytes, sizeof bytes) > 0) any = true;
    return any;
}

/* EOF and errors of a terminal that went away show as readable without a byte. */
static bool is_gone(void)
{
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    if (hung_up) return true;
    return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLHUP | POLLERR | POLLNVAL));
}

static int special_key(wint_t code)
{
    switch (code) {
    case KEY_UP: return TERM_UP;
    case KEY_DOWN: return TERM_DOWN;
    case KEY_LEFT: return TERM_LEFT;
    case KEY_RIGHT: return TERM_RIGHT;
    case KEY_PPAGE: return TERM_PAGE_UP;
    case KEY_NPAGE: return TERM_PAGE_DOWN;
    case KEY_HOME: return TERM_HOME;
    case KEY_END: return TERM_END;
    case KEY_BTAB: return TERM_BACK_TAB;
    case KEY_BACKSPACE: return TERM_BACKSPACE;
    case KEY_F(1): return TERM_F1;
    case KEY_F(2): return TERM_F2;
    case KEY_F(10): return TERM_F10;
    case KEY_ENTER: return '\n';
    case KEY_MOUSE: return read_mouse() ? TERM_MOUSE : TERM_NONE;
    case KEY_RESIZE: return TERM_RESIZE;
    default: return TERM_NONE;
    }
}

/* Behind an Esc: a byte of a terminal's answer, not of a key. Others are put back. */
static bool is_answer(void)
{
    wint_t first, second;
    int kind = kitty_waits() ? get_wch(&first) : ERR;
    if (kind == ERR) return false;
    if (kind == OK && first == '_') return kitty_hear('_');
    if (kind == OK && (first == '[' || first == 'P') && get_wch(&second) == OK) {
        if (second == (first == '[' ? '?' : '>')) return kitty_hear((char)first), kitty_hear((char)second);
        unget_wch((wchar_t)second);
    }
    if (kind == KEY_CODE_YES)
        ungetch((int)first);
    else
        unget_wch((wchar_t)first);
    return false;
}

/* Reads the rest of an answer, as far as it is there. True: the terminal turned out to show pixels. */
static bool hear_answer(void)
{
    wint_t code;
    while (hearing && get_wch(&code) == OK) hearing = kitty_hear((char)code);
    return !hearing && kitty_is_there();
}

int term_key(void)
{
    if (drain_signals()) {
        if (hung_up) return TERM_HANGUP;
        keys_take_size();
        return TERM_RESIZE;
    }
    if (hearing && hear_answer()) return TERM_PIXELS;
    for (;;) { /* past keys that are not known here: more may wait behind them */
        wint_t code;
        int kind = get_wch(&code), key = TERM_NONE;
        if (kind == ERR) return is_gone() ? TERM_HANGUP : TERM_NONE;
        if (kind == OK && code == 27 && (hearing = is_answer())) {
            if (hear_answer()) return TERM_PIXELS;
            continue;
        }
        if (kind != KEY_CODE_YES) return code == 127 || code == 8 ? TERM_BACKSPACE : code == '\r' ? '\n' : (int)code;
        if ((key = special_key(code)) != TERM_NONE) return key;
    }
}

int term_fd(void)
{
    return STDIN_FILENO;
}

int term_signal_fd(void)
{
    return signal_pipe[0];
}
