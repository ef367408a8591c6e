/* Screens as a terminal shows them: each is drawn by tui/term in a pseudo-terminal, at every depth of colour, and
 * libvterm says what came of it. First, every cell is what the canvas meant: its character, and the colour that the
 * palette has for its slot. Then the pictures of the eight views are compared with those stored in
 * tests/tui/expected/terminal: two of each view as they look, all others by their hash. All pictures of now lie in
 * terminal_pictures (below the test's folder) afterwards: diff -r shows what changed between two commits.
 * LATHE_UPDATE=1 stores what is drawn. */
#include "tests/tui/emulator.h"
#include "tests/tui/sample.h"

#include "tui/term/palette.h"
#include "tui/views/view.h"

#include <errno.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cmocka.h>

enum { CELLS_MOST = 200 * 60 };

enum depth { MONO, EIGHT, SIXTEEN, CUBE, DIRECT, DEPTHS };

static const struct {
    const char *name, *color;
    int colors;
} depths[DEPTHS] = {[MONO] = {"mono", "never", 0},
                    [EIGHT] = {"8", "8", 8},
                    [SIXTEEN] = {"16", "16", 16},
                    [CUBE] = {"256", "256", 256},
                    [DIRECT] = {"24bit", "24bit", PALETTE_DIRECT}};

struct stage {
    int width, height;
    enum depth depth;
    bool ascii;
    const char *theme;
};

/* What is drawn one after the other: each frame changes the one before. */
static const struct shot {
    const char *name, *keys; /* those named are views with stored pictures */
} shots[] = {{"train", "1"},     {"charts", "2"}, {"gradients", "3"}, {"profiler", "4"}, {"data", "5"},
             {"system", "6"},    {"log", "7"},    {"run", "8"},       {NULL, "1?"},      {NULL, "\033q"},
             {NULL, "\033hhh+"}, {NULL, "05oo"},  {NULL, "O"},        {NULL, "4m"},      {NULL, "2\n"}};
enum { SHOTS = sizeof shots / sizeof *shots };

/* ---- the child: draws ---- */

/* Shared with the parent. */
static struct {
    struct cell cell[CELLS_MOST];
} * meant;

/* Asks the terminal for its status; it answers when it has seen all that came before, and the parent has looked. */
static void wait_until_seen(void)
{
    char c = 0;
    if (write(STDOUT_FILENO, "\033[5n", 4) != 4) _exit(3);
    while (c != 'n')
        if (read(STDIN_FILENO, &c, 1) != 1) _exit(4);
}

static void draw_all(const struct stage *stage)
{
    const struct term_options options = {.color = depths[stage->depth].color,
                                         .glyphs = stage->ascii ? "ascii" : "braille"};
    struct app app = {0};
    struct canvas canvas = {0};
    struct theme theme;
    int width, height;
    sample_fill(&app);
    for (int i = 0; i < 40; i++) app_tick(&app); /* samples of the machine */
    if (theme_load_built_in(&theme, stage->theme) != LT_OK || term_open(&options, &theme) != LT_OK) _exit(2);
    term_prepare(&canvas);
    term_size(&width, &height);
    if (width != stage->width || height != stage->height) _exit(5);
    canvas_resize(&canvas, width, height);
    for (int i = 0; i < SHOTS; i++) {
        for (const char *key = shots[i].keys; *key; key++) app_key(&app, *key, 0);
        app_draw(&app, &canvas);
        term_draw(&canvas, false);
        memcpy(meant->cell, canvas.cell, (size_t)(width * height) * sizeof *canvas.cell);
        wait_until_seen();
    }
    _exit(0);
}

/* What a person's terminal says, and nothing of this one. */
static void set_environment(void)
{
    static const char *const gone[] = {"COLORTERM", "NO_COLOR", "COLORFGBG", "LINES", "COLUMNS", "TERMINFO"};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) unsetenv(gone[i]);
    setenv("TERM", "xterm-256color", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("TZ", "UTC", 1);
    setenv("TMUX", "between", 1); /* so it is not asked whether it shows pixels: kitty_test.c does that */
}

static pid_t start(const struct stage *stage, int *terminal)
{
    const struct winsize size = {.ws_col = (unsigned short)stage->width, .ws_row = (unsigned short)stage->height};
    const pid_t child = forkpty(terminal, NULL, NULL, &size);
    assert_true(child >= 0);
    if (child == 0) {
        set_environment();
        draw_all(stage);
    }
    return child;
}

/* ---- the parent: looks ---- */

/* Feeds the terminal until it has to answer; false when the child is gone. */
static bool read_frame(int terminal, struct emulator *emulator, char *answer, size_t *length)
{
    char block[16384];
    while ((*length = emulator_answer(emulator, answer, 16)) == 0) {
        const ssize_t got = read(terminal, block, sizeof block);
        if (got <= 0) return false;
        emulator_feed(emulator, block, (size_t)got);
    }
    return true;
}

static void check_ended(pid_t child)
{
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail_msg("the child that draws ended with %#x", status);
}

typedef void look_at(const struct stage *stage, const struct shot *shot, const struct emulator *emulator);

static void each_shot(const struct stage *stage, look_at *look)
{
    int terminal;
    char answer[16];
    size_t length;
    struct emulator *emulator = emulator_new(stage->width, stage->height);
    const pid_t child = start(stage, &terminal);
    for (int i = 0; i < SHOTS; i++) {
        if (!read_frame(terminal, emulator, answer, &length)) break;
        look(stage, &shots[i], emulator);
        assert_int_equal(write(terminal, answer, length), length);
    }
    check_ended(child);
    close(terminal);
    emulator_free(emulator);
}

/* ---- every cell is what was meant ---- */

enum { UPPER_HALF = 0x2580, LOWER_HALF = 0x2584 };

static int32_t rgb_of(struct theme_color color)
{
    return EMULATOR_RGB | color.red << 16 | color.green << 8 | color.blue;
}

/* What a colour becomes, on a ground (one of palette.h's) that it is to differ from. */
static int32_t color_of(struct theme_color color, enum depth depth, int near)
{
    if (depth == MONO || !color.has_color) return EMULATOR_DEFAULT;
    return depth == DIRECT ? rgb_of(color) : palette_nearest(color, depths[depth].colors, near);
}

static struct theme_color pixel(const uint8_t rgb[3])
{
    return (struct theme_color){.red = rgb[0], .green = rgb[1], .blue = rgb[2], .has_color = true};
}

/* Pictures are dithered where colours are few; of two pixels the lower one may be the ink. */
static struct emulator_look look_of_pixels(enum depth depth, const struct cell *cell, int x, int y, bool lower)
{
    const int colors = depths[depth].colors;
    struct emulator_look look = {.ink = color_of(pixel(cell->top), depth, PALETTE_NONE),
                                 .ground = color_of(pixel(cell->under), depth, PALETTE_NONE)};
    if (colors == 8 || colors == 16) {
        look.ink = palette_dither(pixel(cell->top), colors, x, 2 * y);
        look.ground = palette_dither(pixel(cell->under), colors, x, 2 * y + 1);
    }
    if (lower) look = (struct emulator_look){.ink = look.ground, .ground = look.ink};
    return look;
}

static struct emulator_look look_of(const struct theme *theme, enum depth depth, const struct cell *cell)
{
    const struct theme_color color = theme->slot[cell->slot];
    const int near = theme->background.has_color
                         ? palette_nearest(theme->background, depths[depth].colors, PALETTE_NONE)
                         : PALETTE_DARK;
    return (struct emulator_look){.ink = color_of(color, depth, near),
                                  .ground = color_of(theme->background, depth, PALETTE_NONE),
                                  .bold = color.bold,
                                  .dim = color.dim,
                                  .underline = color.underline,
                                  .reverse = color.reverse};
}

/* With 24 bits those of the 256 colours that look the same everywhere are sent by their number. A blue of the least
 * numbers, which would be taken for such a number, is sent a little redder. */
static bool color_same(enum depth depth, int32_t wanted, int32_t seen)
{
    if (depth == DIRECT && seen >= 16 && seen < 256) seen = rgb_of(palette_color(seen));
    const int blue = wanted - EMULATOR_RGB;
    return seen == wanted || (depth == DIRECT && blue >= 0 && blue < 256 && seen == wanted + 0x010000);
}

/* Ink, bold and dim are not to be seen on a blank, unless it is a line or a block. */
static bool look_same(enum depth depth, uint32_t code, struct emulator_look a, struct emulator_look b)
{
    if (!color_same(depth, a.ground, b.ground) || a.underline != b.underline || a.reverse != b.reverse) return false;
    if (code == ' ' && !a.underline && !a.reverse) return true;
    return color_same(depth, a.ink, b.ink) && a.bold == b.bold && a.dim == b.dim;
}

static void describe(struct text *out, struct emulator_look look)
{
    const int32_t colors[2] = {look.ink, look.ground};
    for (int i = 0; i < 2; i++) {
        text_add(out, "%s", i ? " on " : "");
        if (colors[i] == EMULATOR_DEFAULT)
            text_add(out, "default");
        else if (colors[i] >= EMULATOR_RGB)
            text_add(out, "#%06x", (unsigned)(colors[i] - EMULATOR_RGB));
        else
            text_add(out, "%d", colors[i]);
    }
    text_add(out, "%s%s%s%s", look.bold ? " bold" : "", look.dim ? " dim" : "", look.underline ? " underline" : "",
             look.reverse ? " reverse" : "");
}

static void is_what_was_meant(const struct stage *stage, const struct shot *shot, const struct emulator *emulator)
{
    struct theme theme;
    assert_int_equal(theme_load_built_in(&theme, stage->depth == MONO ? "mono" : stage->theme), LT_OK);
    for (int i = 0; i < stage->width * stage->height; i++) {
        const int x = i % stage->width, y = i / stage->width;
        const struct cell *cell = &meant->cell[i];
        struct emulator_cell seen = emulator_at(emulator, x, y);
        const bool lower = cell->colored && seen.code == LOWER_HALF;
        const struct emulator_look wanted = cell->colored ? look_of_pixels(stage->depth, cell, x, y, lower)
                                                          : look_of(&theme, stage->depth, cell);
        if (lower) seen.code = UPPER_HALF;
        if (seen.code == cell->code && (cell->code == 0 || look_same(stage->depth, cell->code, wanted, seen.look)))
            continue;
        struct text what = {0};
        describe(&what, seen.look);
        text_add(&what, ", not U+%04X ", cell->code);
        describe(&what, wanted);
        fail_msg("%dx%d, %s, theme %s, keys %s, at (%d, %d): U+%04X %s", stage->width, stage->height,
                 depths[stage->depth].name, stage->theme, shot->keys, x, y, seen.code, text_get(&what));
    }
}

/* ---- pictures ---- */

enum { LOOKS_MOST = 52 };

static const char letters[LOOKS_MOST + 1] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* The place of a look among those of a picture; a new one is added. */
static int find_look(struct emulator_look *looks, int *count, struct emulator_look look)
{
    for (int i = 0; i < *count; i++)
        if (memcmp(&looks[i], &look, sizeof look) == 0) return i;
    assert_true(*count < LOOKS_MOST);
    looks[*count] = look;
    return (*count)++;
}

/* Characters, then the look of each cell as a letter, then what the letters mean. */
static void print_picture(struct text *out, const struct emulator *emulator, const struct stage *stage)
{
    struct emulator_look looks[LOOKS_MOST];
    int count = 0;
    for (int y = 0; y < stage->height; y++) {
        for (int x = 0; x < stage->width; x++) {
            const uint32_t code = emulator_at(emulator, x, y).code;
            if (code) sample_add_code(out, code);
        }
        text_add(out, "\n");
    }
    for (int y = 0; y < stage->height; y++) {
        for (int x = 0; x < stage->width; x++) {
            struct emulator_cell cell = emulator_at(emulator, x, y);
            if (cell.code == ' ' && !cell.look.underline && !cell.look.reverse)
                cell.look = (struct emulator_look){.ink = EMULATOR_DEFAULT, .ground = cell.look.ground};
            text_add(out, "%c", letters[find_look(looks, &count, cell.look)]);
        }
        text_add(out, "\n");
    }
    for (int i = 0; i < count; i++) {
        text_add(out, "%c = ", letters[i]);
        describe(out, looks[i]);
        text_add(out, "\n");
    }
}

/* What tests/tui/expected/terminal has of each view. */
static struct text stored[SHOTS];

static bool is_shown_whole(const struct stage *stage)
{
    return (stage->width == 120 && stage->depth == DIRECT && !stage->ascii) ||
           (stage->width == 80 && stage->depth == MONO && stage->ascii);
}

static void add_picture(const struct stage *stage, const struct shot *shot, const struct emulator *emulator)
{
    struct text name = {0}, picture = {0}, path = {0};
    if (!shot->name) return;
    text_add(&name, "%dx%d %s %s", stage->width, stage->height, depths[stage->depth].name,
             stage->ascii ? "ascii" : "utf-8");
    print_picture(&picture, emulator, stage);
    text_add(&path, "terminal_pictures/%s %s", shot->name, text_get(&name));
    FILE *file = fopen(text_get(&path), "w");
    assert_non_null(file);
    fputs(text_get(&picture), file);
    fclose(file);
    struct text *all = &stored[shot - shots];
    text_add(all, "%-24s %016llx\n", text_get(&name), (unsigned long long)XXH3_64bits(picture.bytes, picture.length));
    if (is_shown_whole(stage)) text_add(all, "%s", text_get(&picture));
    text_release(&name), text_release(&picture), text_release(&path);
}

static const int sizes[][2] = {{80, 24}, {120, 40}, {200, 60}};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void each_stage(const char *theme, look_at *look)
{
    for (int size = 0; size < SIZES; size++)
        for (int depth = MONO; depth < DEPTHS; depth++)
            for (int ascii = 0; ascii < 2; ascii++)
                each_shot(&(struct stage){sizes[size][0], sizes[size][1], (enum depth)depth, ascii, theme}, look);
}

static void every_cell_is_what_was_meant(void **state)
{
    (void)state;
    each_stage("dark", is_what_was_meant);
}

static void every_theme_too(void **state)
{
    (void)state;
    struct texts names;
    theme_list(&names);
    for (size_t i = 0; i < names.count; i++)
        for (int depth = MONO; depth < DEPTHS; depth++)
            each_shot(&(struct stage){80, 24, (enum depth)depth, false, names.item[i]}, is_what_was_meant);
    theme_names_release(&names);
}

static void pictures_are_as_stored(void **state)
{
    (void)state;
    each_stage("dark", add_picture);
    for (int i = 0; i < SHOTS; i++) {
        if (!shots[i].name) continue;
        char name[64];
        snprintf(name, sizeof name, "terminal/%s", shots[i].name);
        sample_compare(&stored[i], name);
        text_release(&stored[i]);
    }
}

/* The pictures lie where the test was started. */
static int enter(void **state)
{
    char here[4096], link[4200];
    if (!getcwd(here, sizeof here) || sample_enter(state) != 0) return -1;
    snprintf(link, sizeof link, "%s/terminal_pictures", here);
    return (mkdir(link, 0777) == 0 || errno == EEXIST) && symlink(link, "terminal_pictures") == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_cell_is_what_was_meant),
                                       cmocka_unit_test(every_theme_too), cmocka_unit_test(pictures_are_as_stored)};
    meant = mmap(NULL, sizeof *meant, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return cmocka_run_group_tests(tests, enter, sample_leave);
}
