#include "tui/term/term.h"

#include "tui/term/colors.h"
#include "tui/term/direct.h"
#include "tui/term/escapes.h"
#include "tui/term/keys.h"
#include "tui/term/kitty.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>

enum glyphs { GLYPHS_BRAILLE, GLYPHS_BLOCKS, GLYPHS_ASCII };

static SCREEN *screen;
static bool open_now;
static enum glyphs glyphs;

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

/* By the locale; the old terminals and the console of Linux have no such characters whatever it says. */
static enum glyphs best_glyphs(void)
{
    bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    return utf8 && !escapes_is_console() ? GLYPHS_BRAILLE : GLYPHS_ASCII;
}

static enum lt_err choose_glyphs(enum glyphs *chosen, const char *wanted)
{
    if (!wanted || strcmp(wanted, "auto") == 0)
        *chosen = best_glyphs();
    else if (strcmp(wanted, "braille") == 0)
        *chosen = GLYPHS_BRAILLE;
    else if (strcmp(wanted, "blocks") == 0)
        *chosen = GLYPHS_BLOCKS;
    else if (strcmp(wanted, "ascii") == 0)
        *chosen = GLYPHS_ASCII;
    else
        return lt_fail(LT_EUSAGE, "--glyphs is auto, braille, blocks or ascii, not '%s'", wanted);
    return LT_OK;
}

enum lt_err term_set_look(const struct term_options *options, const struct theme *theme)
{
    enum glyphs chosen = GLYPHS_ASCII;
    int number = 0;
    LT_TRY(choose_glyphs(&chosen, options->glyphs));
    LT_TRY(colors_choose(&number, options->color));
    glyphs = chosen;
    colors_make(theme, number);
    keys_take_mouse(options->mouse);
    return LT_OK;
}

void term_prepare(struct canvas *canvas)
{
    canvas->ascii = glyphs == GLYPHS_ASCII;
    canvas->blocks = glyphs == GLYPHS_BLOCKS;
    canvas->few_colors = colors_are_few();
    canvas->colorless = colors_are_none();
    canvas->has_pixels = kitty_is_there() && !canvas->ascii && !canvas->colorless;
}

/* ---- open and close ---- */

static enum lt_err set_up(const struct term_options *options, const struct theme *theme)
{
    raw(); /* Ctrl-C and Ctrl-Z are keys */
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    curs_set(0);
    escapes_open();
    LT_TRY(term_set_look(options, theme));
    return keys_watch();
}

enum lt_err term_open(const struct term_options *options, const struct theme *theme)
{
    setlocale(LC_CTYPE, "");
    setenv("ESCDELAY", "25", 0);
    screen = direct_open(options->color);
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
    kitty_close();
    escapes_close();
    endwin();
}

void term_size(int *width, int *height)
{
    *width = COLS;
    *height = LINES;
}

/* ---- frames ---- */

static void put_cell(int x, int y, struct cell cell)
{
    const enum theme_slot slot = (enum theme_slot)cell.slot;
    enum { LOWER_HALF = 0x2584 };
    wchar_t text[2] = {(wchar_t)(cell.code ? cell.code : ' '), 0};
    cchar_t character;
    bool lower = false;
    int pair = cell.colored ? colors_pair_of(&cell, x, y, &lower) : colors_pair(slot);
    if (lower) text[0] = LOWER_HALF;
    if (setcchar(&character, text, cell.colored ? A_NORMAL : colors_attribute(slot), 0, &pair) == OK)
        mvadd_wch(y, x, &character);
}

/* What this thread wrote so far: curses writes past stdio and does not tell how much. */
static int64_t bytes_written(void)
{
    int64_t bytes = 0;
    char line[64];
    FILE *file = fopen("/proc/thread-self/io", "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "wchar: %" SCNd64, &bytes) == 1) break;
    if (file) fclose(file);
    return bytes;
}

int64_t term_draw(const struct canvas *canvas, bool all)
{
    const int64_t before = bytes_written();
    for (int y = 0; y < canvas->height && y < LINES; y++)
        for (int x = 0; x < canvas->width && x < COLS; x++) {
            struct cell cell = canvas->cell[y * canvas->width + x];
            if (cell.code) put_cell(x, y, cell);
        }
    if (all) clearok(curscr, TRUE);
    escapes_begin_frame();
    refresh();
    escapes_end_frame();
    if (canvas->pictures && !canvas->ascii && !canvas->colorless) kitty_ask();
    kitty_show(canvas, all);
    return bytes_written() - before;
}

bool term_send_pictures(void)
{
    return kitty_pump();
}

bool term_is_busy(void)
{
    int waiting = 0;
    return ioctl(STDOUT_FILENO, TIOCOUTQ, &waiting) == 0 && waiting > 0;
}

void term_suspend(void)
{
    def_prog_mode();
    kitty_close();
    escapes_close();
    endwin();
    raise(SIGSTOP);
    reset_prog_mode();
    keys_take_size();
    clearok(curscr, TRUE);
    refresh();
    escapes_open();
}
