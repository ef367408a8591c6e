#include "tui/term/term.h"

#include "tui/term/palette.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>

static SCREEN *screen;
static int signal_pipe[2] = {-1, -1};
static volatile sig_atomic_t hung_up;
static bool glyphs, open_now;
static attr_t attribute[THEME_SLOTS];
static short pair[THEME_SLOTS];

/* ---- what the terminal can ---- */

bool term_possible(const char **why)
{
    const char *name = getenv("TERM");
    int found = 0;
    *why = NULL;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        *why = "this is no terminal";
    else if (!name || !*name)
        *why = "TERM is not set";
    else if (setupterm(name, STDOUT_FILENO, &found) != OK)
        *why = "this terminal (TERM) is not known here";
    else if (!cursor_address || !clear_screen)
        *why = "this terminal (TERM) cannot place its cursor";
    return *why == NULL;
}

static enum lt_err choose_glyphs(const char *wanted)
{
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    if (!wanted || strcmp(wanted, "auto") == 0)
        glyphs = utf8;
    else if (strcmp(wanted, "braille") == 0)
        glyphs = true;
    else if (strcmp(wanted, "ascii") == 0)
        glyphs = false;
    else
        return lt_fail(LT_EUSAGE, "--glyphs is auto, braille or ascii, not '%s'", wanted);
    return LT_OK;
}

static enum lt_err choose_colors(const char *wanted, int *colors)
{
    const char *none = getenv("NO_COLOR");
    if (has_colors()) start_color(); /* from here on COLORS tells */
    if (!wanted || strcmp(wanted, "auto") == 0)
        *colors = none && *none ? 0 : has_colors() ? COLORS : 0;
    else if (strcmp(wanted, "never") == 0)
        *colors = 0;
    else if (strcmp(wanted, "8") == 0 || strcmp(wanted, "16") == 0 || strcmp(wanted, "256") == 0)
        *colors = atoi(wanted) < COLORS ? atoi(wanted) : COLORS;
    else
        return lt_fail(LT_EUSAGE, "--color is auto, never, 8, 16 or 256, not '%s'", wanted);
    return LT_OK;
}

/* ---- colours ---- */

static void make_colors(const struct theme *theme, int colors)
{
    if (colors >= 8) use_default_colors();
    for (int i = 0; i < THEME_SLOTS; i++) {
        struct theme_color c = theme->slot[i];
        attribute[i] = (c.bold ? A_BOLD : A_NORMAL) | (c.reverse ? A_REVERSE : A_NORMAL);
        pair[i] = 0;
        if (colors < 8 || !c.has_color) continue;
        pair[i] = (short)(i + 1);
        init_pair(pair[i], (short)palette_nearest(c, colors, PALETTE_DARK), -1);
    }
}

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

static enum lt_err watch_signals(void)
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

/* ---- open and close ---- */

static enum lt_err set_up(const struct term_options *options, const struct theme *theme)
{
    int colors = 0;
    LT_TRY(choose_colors(options->color, &colors));
    raw(); /* Ctrl-C and Ctrl-Z are keys */
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    curs_set(0);
    make_colors(theme, colors);
    return watch_signals();
}

enum lt_err term_open(const struct term_options *options, const struct theme *theme)
{
    setlocale(LC_CTYPE, "");
    LT_TRY(choose_glyphs(options->glyphs));
    setenv("ESCDELAY", "25", 0);
    screen = newterm(NULL, stdout, stdin);
    if (!screen) return lt_fail(LT_EUNSUPPORTED, "the screen cannot be opened on this terminal");
    open_now = true;
    lt_on_panic(term_close);
    enum lt_err err = set_up(options, theme);
    if (err != LT_OK) term_close();
    return err;
}

void term_close(void)
{
    if (!open_now) return;
    open_now = false;
    endwin();
}

bool term_has_glyphs(void)
{
    return glyphs;
}

void term_size(int *width, int *height)
{
    *width = COLS;
    *height = LINES;
}

/* ---- frames ---- */

static void put_cell(int x, int y, struct cell cell)
{
    wchar_t text[2] = {(wchar_t)(cell.code ? cell.code : ' '), 0};
    cchar_t character;
    if (setcchar(&character, text, attribute[cell.slot], pair[cell.slot], NULL) == OK) mvadd_wch(y, x, &character);
}

void term_draw(const struct canvas *canvas, bool all)
{
    for (int y = 0; y < canvas->height && y < LINES; y++)
        for (int x = 0; x < canvas->width && x < COLS; x++) {
            struct cell cell = canvas->cell[y * canvas->width + x];
            if (cell.code) put_cell(x, y, cell);
        }
    if (all) clearok(curscr, TRUE);
    refresh();
}

bool term_is_busy(void)
{
    int waiting = 0;
    return ioctl(STDOUT_FILENO, TIOCOUTQ, &waiting) == 0 && waiting > 0;
}

/* ---- keys ---- */

static void take_new_size(void)
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

int term_key(void)
{
    if (drain_signals()) {
        if (hung_up) return TERM_HANGUP;
        take_new_size();
        return TERM_RESIZE;
    }
    wint_t code;
    int kind = get_wch(&code);
    if (kind == ERR) return is_gone() ? TERM_HANGUP : TERM_NONE;
    if (kind != KEY_CODE_YES) return code == 127 || code == 8 ? TERM_BACKSPACE : code == '\r' ? '\n' : (int)code;
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
    case KEY_RESIZE: return TERM_RESIZE;
    default: return TERM_NONE;
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

void term_suspend(void)
{
    def_prog_mode();
    endwin();
    raise(SIGSTOP);
    reset_prog_mode();
    take_new_size();
    clearok(curscr, TRUE);
    refresh();
}
