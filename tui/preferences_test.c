#include "tui/preferences.h"

#include "data/base/path.h"
#include "tui/user_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char home[] = "/tmp/lathe-settings-XXXXXX", path[128];

static int make_home(void **state)
{
    (void)state;
    if (!mkdtemp(home)) return -1;
    setenv("XDG_CONFIG_HOME", home, 1);
    snprintf(path, sizeof path, "%s/lathe/settings", home);
    return 0;
}

static int remove_home(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", home);
    return system(command);
}

static void write_file(const char *text, size_t length)
{
    assert_int_equal(path_write_atomic(path, text, length), LT_OK);
}

static void expect_file(const char *wanted)
{
    char *text;
    size_t length;
    assert_int_equal(path_read(&text, &length, path, 1 << 20), LT_OK);
    assert_string_equal(text, wanted);
    free(text);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct preferences wanted, got;
    assert_int_equal(preferences_read(&wanted), LT_OK); /* no file, no folder */
    assert_string_equal(wanted.value[PREFERENCE_THEME], "auto");
    assert_true(preferences_on(&wanted, PREFERENCE_MOUSE) && !preferences_on(&wanted, PREFERENCE_REDUCED_MOTION));
    assert_int_equal(preferences_set(&wanted, PREFERENCE_THEME, "nord"), LT_OK);
    assert_int_equal(preferences_set(&wanted, PREFERENCE_COLOR, "24bit"), LT_OK);
    assert_int_equal(preferences_set(&wanted, PREFERENCE_MOUSE, "off"), LT_OK);
    assert_int_equal(preferences_write(&wanted), LT_OK);
    expect_file("theme = nord\ncolor = 24bit\nglyphs = auto\nmouse = off\nreduced_motion = off\n");
    memset(&got, 'x', sizeof got);
    assert_int_equal(preferences_read(&got), LT_OK);
    for (int i = 0; i < PREFERENCES; i++) assert_string_equal(got.value[i], wanted.value[i]);
}

static void what_others_wrote_stays(void **state)
{
    (void)state;
    struct preferences self;
    static const char text[] = "# mine\n\nglyphs=blocks\r\nfuture = 3\n  theme\t = \t dusk  \nglyphs = ascii";
    write_file(text, strlen(text));
    assert_int_equal(preferences_read(&self), LT_OK);
    assert_string_equal(self.value[PREFERENCE_GLYPHS], "ascii"); /* the last word counts */
    assert_string_equal(self.value[PREFERENCE_THEME], "dusk");
    assert_int_equal(preferences_write(&self), LT_OK);
    expect_file("# mine\n\nglyphs = ascii\nfuture = 3\ntheme = dusk\ncolor = auto\nmouse = on\nreduced_motion = off\n");
    assert_int_equal(preferences_write(&self), LT_OK);
    expect_file("# mine\n\nglyphs = ascii\nfuture = 3\ntheme = dusk\ncolor = auto\nmouse = on\nreduced_motion = off\n");
}

static void a_link_stays_a_link(void **state)
{
    (void)state;
    struct preferences self;
    struct stat st;
    char real[160];
    snprintf(real, sizeof real, "%s.real", path);
    unlink(path);
    assert_int_equal(path_write_atomic(real, "mouse = off\n", 12), LT_OK);
    assert_int_equal(symlink(real, path), 0);
    assert_int_equal(preferences_read(&self), LT_OK);
    assert_int_equal(preferences_write(&self), LT_OK);
    assert_true(lstat(path, &st) == 0 && S_ISLNK(st.st_mode));
    expect_file("mouse = off\ntheme = auto\ncolor = auto\nglyphs = auto\nreduced_motion = off\n");
    unlink(path);
}

static void wrong_values_are_named(void **state)
{
    (void)state;
    struct preferences self;
    char longer[PREFERENCE_MAX + 1];
    preferences_default(&self);
    assert_int_equal(preferences_set(&self, PREFERENCE_COLOR, "25"), LT_EUSAGE);
    assert_string_equal(lt_message(), "color is one of auto|never|8|16|256|24bit, not '25'");
    assert_int_equal(preferences_set(&self, PREFERENCE_COLOR, ""), LT_EUSAGE);
    assert_int_equal(preferences_set(&self, PREFERENCE_COLOR, "auto|never"), LT_EUSAGE);
    assert_int_equal(preferences_set(&self, PREFERENCE_THEME, "nonesuch"), LT_ENOTFOUND);
    assert_int_equal(preferences_set(&self, PREFERENCE_THEME, "dark\nmouse = off"), LT_EUSAGE);
    memset(longer, 'a', sizeof longer - 1), longer[sizeof longer - 1] = 0;
    assert_int_equal(preferences_set(&self, PREFERENCE_THEME, longer), LT_EUSAGE);
    assert_string_equal(self.value[PREFERENCE_THEME], "auto");
}

/* A damaged file never keeps a training from starting: what can be obeyed is. */
static void damaged_files_do_no_harm(void **state)
{
    (void)state;
    struct preferences self, initial;
    static const char text[] = "color = red\nmouse = off\ntheme = ../../etc/passwd\n\xff\xfe = =\n= on\n";
    preferences_default(&initial);
    write_file(text, strlen(text));
    assert_int_equal(preferences_read(&self), LT_EFORMAT);
    assert_non_null(strstr(lt_message(), "settings:1: color is one of"));
    assert_string_equal(self.value[PREFERENCE_MOUSE], "off");
    assert_string_equal(self.value[PREFERENCE_THEME], "auto");
    write_file("mouse = off\n\0", 13);
    assert_int_not_equal(preferences_read(&self), LT_OK);
    assert_string_equal(self.value[PREFERENCE_MOUSE], "on");
    assert_int_not_equal(preferences_write(&self), LT_OK); /* what cannot be read is not written over */
    char *large = calloc(1, USER_FILE_MAX + 2);
    memset(large, 'a', USER_FILE_MAX + 1);
    write_file(large, USER_FILE_MAX + 1);
    free(large);
    assert_int_not_equal(preferences_read(&self), LT_OK);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_not_equal(preferences_read(&self), LT_OK);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_not_equal(preferences_read(&self), LT_OK);
    for (int i = 0; i < PREFERENCES; i++) assert_string_equal(self.value[i], initial.value[i]);
    rmdir(path);
}

static void without_a_home_nothing_is_read(void **state)
{
    (void)state;
    struct preferences self;
    char before[256];
    snprintf(before, sizeof before, "%s", getenv("HOME") ? getenv("HOME") : "/");
    unsetenv("HOME");
    setenv("XDG_CONFIG_HOME", "relative", 1);
    assert_int_equal(preferences_read(&self), LT_OK);
    assert_int_equal(preferences_write(&self), LT_ENOTFOUND);
    setenv("HOME", home, 1);
    char *found = user_folder_path("settings"), wanted[128];
    snprintf(wanted, sizeof wanted, "%s/.config/lathe/settings", home);
    assert_string_equal(found, wanted);
    setenv("HOME", before, 1);
    setenv("XDG_CONFIG_HOME", home, 1);
    free(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),  cmocka_unit_test(what_others_wrote_stays),
        cmocka_unit_test(a_link_stays_a_link),      cmocka_unit_test(wrong_values_are_named),
        cmocka_unit_test(damaged_files_do_no_harm), cmocka_unit_test(without_a_home_nothing_is_read)};
    return cmocka_run_group_tests(tests, make_home, remove_home);
}
