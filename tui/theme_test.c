/* Every theme of themes/: complete, on the 256-colour cube, readable, apart at 8 and 16 colours; the safe ones for
 * colour-blind eyes too. Then a person's own themes. */
#include "data/base/path.h"
#include "tui/term/palette.h"
#include "tui/theme.h"
#include "tui/user_folder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- colour science ---- */

struct linear {
    double red, green, blue;
};

/* IEC 61966-2-1. */
static double to_linear(uint8_t value)
{
    double v = value / 255.0;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static struct linear linear_of(struct theme_color c)
{
    return (struct linear){to_linear(c.red), to_linear(c.green), to_linear(c.blue)};
}

/* Relative luminance and contrast as in WCAG 2.1. */
static double luminance(struct theme_color c)
{
    struct linear l = linear_of(c);
    return 0.2126 * l.red + 0.7152 * l.green + 0.0722 * l.blue;
}

static double contrast(struct theme_color a, struct theme_color b)
{
    double high = fmax(luminance(a), luminance(b)), low = fmin(luminance(a), luminance(b));
    return (high + 0.05) / (low + 0.05);
}

static double lab_f(double t)
{
    return t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116;
}

/* CIELAB under D65. */
static void lab_of(double lab[3], struct linear l)
{
    double x = lab_f((0.4124564 * l.red + 0.3575761 * l.green + 0.1804375 * l.blue) / 0.95047),
           y = lab_f(0.2126729 * l.red + 0.7151522 * l.green + 0.0721750 * l.blue),
           z = lab_f((0.0193339 * l.red + 0.1191920 * l.green + 0.9503041 * l.blue) / 1.08883);
    lab[0] = 116 * y - 16, lab[1] = 500 * (x - y), lab[2] = 200 * (y - z);
}

static double clamp(double x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

/* Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision Deficiency", IEEE TVCG
 * 2009, table of severity 1.0. */
static const double seen_by[][3][3] = {
    {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
    {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}}, /* protan */
    {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},  /* deutan */
    {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}}, /* tritan */
};
enum { EYES = sizeof seen_by / sizeof *seen_by, TRITAN = 3 };

static struct linear see(struct theme_color c, int eyes)
{
    const double(*m)[3] = seen_by[eyes];
    struct linear l = linear_of(c);
    return (struct linear){clamp(m[0][0] * l.red + m[0][1] * l.green + m[0][2] * l.blue),
                           clamp(m[1][0] * l.red + m[1][1] * l.green + m[1][2] * l.blue),
                           clamp(m[2][0] * l.red + m[2][1] * l.green + m[2][2] * l.blue)};
}

/* CIE 1976 ΔE; about 2 is just seen. */
static double difference(struct theme_color a, struct theme_color b, int eyes)
{
    double p[3], q[3];
    lab_of(p, see(a, eyes)), lab_of(q, see(b, eyes));
    return sqrt(pow(p[0] - q[0], 2) + pow(p[1] - q[1], 2) + pow(p[2] - q[2], 2));
}

/* ---- the themes of the binary ---- */

static const enum theme_slot lines[] = {SLOT_TRAIN, SLOT_VALIDATION, SLOT_RATE, SLOT_GRADIENT},
                             levels[] = {SLOT_GOOD, SLOT_WARNING, SLOT_BAD};

struct pair_check {
    const char *name;
    const struct theme *theme;
};

typedef void check_pair(const struct pair_check *check, enum theme_slot a, enum theme_slot b);

static void each_pair(const struct pair_check *check, check_pair *run)
{
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < i; k++) run(check, lines[i], lines[k]);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < i; k++) run(check, levels[i], levels[k]);
}

static void each_theme(void (*run)(const char *name, const struct theme *theme))
{
    struct texts names;
    theme_list(&names);
    assert_true(names.count >= 8);
    for (size_t i = 0; i < names.count; i++) {
        struct theme theme;
        if (theme_load(&theme, names.item[i]) != LT_OK) fail_msg("%s", lt_message());
        run(names.item[i], &theme);
    }
    theme_names_release(&names);
}

static void is_on_cube(const char *name, struct theme_color color, const char *key)
{
    if (!color.has_color) return;
    struct theme_color near = palette_color(palette_nearest(color, 256, PALETTE_DARK));
    if (near.red != color.red || near.green != color.green || near.blue != color.blue)
        fail_msg("%s: %s is none of the 256 colours", name, key);
}

static void check_cube(const char *name, const struct theme *theme)
{
    is_on_cube(name, theme->background, "background");
    for (int i = 0; i < THEME_SLOTS; i++) is_on_cube(name, theme->slot[i], theme_slot_key((enum theme_slot)i));
}

/* Text is read at 4.5 : 1 (WCAG 2.1, 1.4.3), shapes and what is dim at 3 : 1 (1.4.11); rules, the rest of a bar, bands
 * and heat are no text and mean nothing alone. */
static double least_contrast(enum theme_slot slot)
{
    switch (slot) {
    case SLOT_RULE:
    case SLOT_BAR_REST:
    case SLOT_TRAIN_BAND:
    case SLOT_HEAT_0:
    case SLOT_HEAT_1:
    case SLOT_HEAT_2:
    case SLOT_HEAT_3:
    case SLOT_HEAT_4:
    case SLOT_HEAT_5:
    case SLOT_HEAT_6:
    case SLOT_HEAT_7: return 1;
    case SLOT_DIM:
    case SLOT_BAR:
    case SLOT_CLIP:
    case SLOT_PHASE_DATA:
    case SLOT_PHASE_H2D:
    case SLOT_PHASE_FORWARD:
    case SLOT_PHASE_BACKWARD:
    case SLOT_PHASE_OPTIMIZER:
    case SLOT_PHASE_CALLBACKS:
    case SLOT_PHASE_OTHER: return 3;
    default: return 4.5;
    }
}

/* A theme without a background is for black ones. */
static void check_contrast(const char *name, const struct theme *theme)
{
    bool high = strcmp(name, "high_contrast") == 0;
    for (int i = 0; i < THEME_SLOTS; i++) {
        double least = least_contrast((enum theme_slot)i), found = contrast(theme->slot[i], theme->background);
        if (high && least > 4) least = 7; /* WCAG's enhanced level */
        if (theme->slot[i].has_color && found < least)
            fail_msg("%s: the contrast of %s is %.2f", name, theme_slot_key((enum theme_slot)i), found);
    }
}

/* From cold to hot the lightness only rises, or only falls. */
static void check_heat(const char *name, const struct theme *theme)
{
    double direction = 0;
    for (int i = 1; i < HEAT_LEVELS && theme->slot[SLOT_HEAT_0].has_color; i++) {
        double a[3], b[3];
        lab_of(a, linear_of(theme->slot[SLOT_HEAT_0 + i - 1])), lab_of(b, linear_of(theme->slot[SLOT_HEAT_0 + i]));
        if (i == 1) direction = b[0] - a[0];
        if (fabs(b[0] - a[0]) < 4 || (b[0] - a[0]) * direction < 0) fail_msg("%s: heat_%d is no step on", name, i);
    }
}

static bool same_attributes(struct theme_color a, struct theme_color b)
{
    return a.bold == b.bold && a.dim == b.dim && a.underline == b.underline && a.reverse == b.reverse;
}

static void are_apart_at(const struct pair_check *check, enum theme_slot a, enum theme_slot b, int colors)
{
    const struct theme *theme = check->theme;
    int background = theme->background.has_color ? palette_nearest(theme->background, colors, PALETTE_NONE)
                                                 : PALETTE_DARK;
    int p = palette_nearest(theme->slot[a], colors, background),
        q = palette_nearest(theme->slot[b], colors, background);
    bool apart = (p != q && theme->slot[a].has_color) || !same_attributes(theme->slot[a], theme->slot[b]);
    if (!apart)
        fail_msg("%s: %s and %s are the same with %d colours", check->name, theme_slot_key(a), theme_slot_key(b),
                 colors);
}

static void apart_at_few_colors(const struct pair_check *check, enum theme_slot a, enum theme_slot b)
{
    bool is_line = a >= SLOT_TRAIN && a <= SLOT_GRADIENT;
    if (!check->theme->slot[a].has_color && is_line) return; /* lines without colour differ by their marks and labels */
    are_apart_at(check, a, b, 8);
    are_apart_at(check, a, b, 16);
}

static void check_few_colors(const char *name, const struct theme *theme)
{
    each_pair(&(struct pair_check){name, theme}, apart_at_few_colors);
}

static void themes_are_sound(void **state)
{
    (void)state;
    each_theme(check_cube);
    each_theme(check_contrast);
    each_theme(check_heat);
    each_theme(check_few_colors);
}

static void apart_for_all_eyes(const struct pair_check *check, enum theme_slot a, enum theme_slot b)
{
    for (int eyes = 0; eyes < EYES; eyes++) {
        double found = difference(check->theme->slot[a], check->theme->slot[b], eyes),
               least = eyes == TRITAN ? 12 : 20; /* the rarest by far: one in some ten thousand */
        if (found < least)
            fail_msg("%s: %s and %s are only %.1f apart for eyes %d", check->name, theme_slot_key(a), theme_slot_key(b),
                     found, eyes);
    }
}

static void safe_themes_are_safe(void **state)
{
    (void)state;
    const char *const safe[] = {"clear", "dusk"};
    for (int i = 0; i < 2; i++) {
        struct theme theme;
        assert_int_equal(theme_load(&theme, safe[i]), LT_OK);
        each_pair(&(struct pair_check){safe[i], &theme}, apart_for_all_eyes);
    }
}

static void the_background_chooses(void **state)
{
    (void)state;
    struct theme wanted, got;
    const struct {
        const char *colors, *name;
    } rows[] = {{"15;0", "dark"}, {"0;15", "light"}, {"0;default;7", "light"}, {"7", "dark"}, {"", "dark"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setenv("COLORFGBG", rows[i].colors, 1);
        assert_int_equal(theme_load(&wanted, rows[i].name), LT_OK);
        assert_int_equal(theme_load(&got, i % 2 ? NULL : "auto"), LT_OK);
        assert_memory_equal(&wanted, &got, sizeof got);
    }
    unsetenv("COLORFGBG");
}

/* ---- a person's own ---- */

static char home[] = "/tmp/lathe-theme-XXXXXX";

static void write_own(const char *name, const char *text)
{
    char file[64];
    snprintf(file, sizeof file, "themes/%s", name);
    char *path = user_folder_path(file);
    assert_int_equal(path_write_atomic(path, text, strlen(text)), LT_OK);
    free(path);
}

static int make_home(void **state)
{
    (void)state;
    if (!mkdtemp(home)) return -1;
    setenv("XDG_CONFIG_HOME", home, 1);
    char *folder = user_folder_path("themes");
    enum lt_err err = path_make_folder(folder);
    free(folder);
    return err == LT_OK ? 0 : -1;
}

static int remove_home(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", home);
    return system(command);
}

static void fails_with(const char *name, const char *words)
{
    struct theme theme, before;
    theme_default(&theme);
    before = theme;
    assert_int_not_equal(theme_load(&theme, name), LT_OK);
    if (!strstr(lt_message(), words)) fail_msg("'%s' says nothing of '%s'", lt_message(), words);
    assert_memory_equal(&theme, &before, sizeof theme);
}

static void own_themes_are_found(void **state)
{
    (void)state;
    struct theme theme, dark;
    struct texts names;
    theme_default(&dark);
    write_own("mine.theme", "; half of it\r\nbase = dark\ntrain = #FF8700 bold underline\nbackground = #102030\n");
    write_own("dark.theme", "base = dark\ntext = default dim\n");
    write_own("no name!.theme", "");
    assert_int_equal(theme_load(&theme, "mine"), LT_OK);
    assert_true(theme.slot[SLOT_TRAIN].red == 0xff && theme.slot[SLOT_TRAIN].underline &&
                theme.background.blue == 0x30);
    assert_memory_equal(&theme.slot[SLOT_RATE], &dark.slot[SLOT_RATE], sizeof dark.slot[0]);
    assert_int_equal(theme_load(&theme, "dark"), LT_OK);
    assert_true(theme.slot[SLOT_TEXT].dim && !theme.slot[SLOT_TEXT].has_color); /* the own one wins */
    theme_list(&names);
    int own = 0;
    for (size_t i = 0; i < names.count; i++) {
        own += strcmp(names.item[i], "mine") == 0 || strcmp(names.item[i], "dark") == 0;
        if (i) assert_true(strcmp(names.item[i - 1], names.item[i]) < 0);
    }
    assert_int_equal(own, 2);
    theme_names_release(&names);
    char *path = user_folder_path("themes/mine.theme");
    assert_int_equal(theme_load(&theme, path), LT_OK);
    free(path);
}

static void damaged_themes_are_refused(void **state)
{
    (void)state;
    const struct {
        const char *text, *words;
    } rows[] = {{"text = #d0d0d0\n", "key 'dim' is missing"},
                {"base = dark\ntextt = #d0d0d0\n", ":2: there is no key 'textt'; near it is text"},
                {"base = dark\ntext = #d0d0d\n", ":2: text: a colour"},
                {"base = dark\ntext = #-10203\n", ":2: text: a colour"},
                {"base = dark\ntext = #d0d0d0 blink\n", ":2: text: a colour"},
                {"base = dark\ntext =\n", ":2: text: a colour"},
                {"base = dark\nnonsense\n", ":2: a line is"},
                {"base = dark\n= #ffffff\n", ":2: a line is"},
                {"text = #ffffff\nbase = dark\n", ":2: base comes before"},
                {"base = mine\n", ":1: base is the name of a built-in theme"},
                {"base =\n", ":1: base is the name"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_own("bad.theme", rows[i].text);
        fails_with("bad", rows[i].words);
    }
    fails_with("nonesuch", "ember, high_contrast");
    fails_with("../themes/bad", "there is no file");
    fails_with("/dev/zero", "is no file of text");
    fails_with("/nowhere/x.theme", "there is no file");
    char *path = user_folder_path("themes/pipe.theme"), large[USER_FILE_MAX + 2];
    assert_int_equal(mkfifo(path, 0600), 0); /* would wait for ever */
    fails_with("pipe", "is no file of text");
    free(path);
    memset(large, ';', sizeof large - 1), large[sizeof large - 1] = 0;
    write_own("bad.theme", large);
    fails_with("bad", "larger than");
    path = user_folder_path("themes/bad.theme");
    assert_int_equal(path_write_atomic(path, "base = dark\n\0x", 14), LT_OK);
    fails_with("bad", "NUL");
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(themes_are_sound), cmocka_unit_test(safe_themes_are_safe),
                                       cmocka_unit_test(the_background_chooses), cmocka_unit_test(own_themes_are_found),
                                       cmocka_unit_test(damaged_themes_are_refused)};
    unsetenv("COLORFGBG");
    return cmocka_run_group_tests(tests, make_home, remove_home);
}
