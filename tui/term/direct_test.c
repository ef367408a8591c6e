/* The entry made for 24 bits, read back by curses itself, is the terminal's own but for its colours. */
#include "tui/term/direct.h"

#include "tui/term/palette.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <term.h>

static bool set_terminal(const char *name, TERMINAL **terminal)
{
    int found;
    if (setupterm(name, STDOUT_FILENO, &found) != OK) return false;
    *terminal = cur_term;
    return true;
}

static bool is_changed(const char *name)
{
    static const char *const changed[] = {"setaf", "setab", "setf", "setb", "initc", "initp", "oc", "scp"};
    for (size_t i = 0; i < sizeof changed / sizeof *changed; i++)
        if (strcmp(name, changed[i]) == 0) return true;
    return false;
}

static void same_string(TERMINAL *own, TERMINAL *made, const char *name)
{
    set_curterm(own);
    const char *wanted = tigetstr(name);
    set_curterm(made);
    const char *got = tigetstr(name);
    if ((intptr_t)wanted == -1) wanted = NULL;
    if ((intptr_t)got == -1) got = NULL;
    if (!wanted != !got || (wanted && strcmp(wanted, got) != 0)) fail_msg("%s is another", name);
}

static void compare(TERMINAL *own, TERMINAL *made)
{
    for (int i = 0; strnames[i]; i++)
        if (!is_changed(strnames[i])) same_string(own, made, strnames[i]);
    same_string(own, made, "XM"), same_string(own, made, "Ms");
    for (int i = 0; numnames[i]; i++) {
        set_curterm(own);
        int wanted = strcmp(numnames[i], "colors") == 0 ? PALETTE_DIRECT : tigetnum(numnames[i]);
        set_curterm(made);
        assert_int_equal(tigetnum(numnames[i]), wanted);
    }
    for (int i = 0; boolnames[i]; i++) {
        set_curterm(own);
        int wanted = strcmp(boolnames[i], "ccc") == 0 ? 0 : tigetflag(boolnames[i]);
        set_curterm(made);
        assert_int_equal(tigetflag(boolnames[i]), wanted);
    }
}

static void check_colors(void)
{
    assert_int_equal(tigetflag("RGB"), 1);
    assert_int_equal(tigetnum("CO"), 256);
    assert_int_equal(direct_palette(), 256);
    assert_string_equal(tiparm(tigetstr("setaf"), 75), "\033[38;5;75m");
    assert_string_equal(tiparm(tigetstr("setab"), 255), "\033[48;5;255m");
    assert_string_equal(tiparm(tigetstr("setaf"), 256), "\033[38;2;0;1;0m");
    assert_string_equal(tiparm(tigetstr("setaf"), 0x123456), "\033[38;2;18;52;86m");
    assert_string_equal(tiparm(tigetstr("setab"), 0xff00af), "\033[48;2;255;0;175m");
    assert_string_equal(tiparm(tigetstr("setaf"), 3), "\033[33m");
    assert_string_equal(tiparm(tigetstr("setab"), 7), "\033[47m");
}

static void entries_are_read_back(void **state)
{
    (void)state;
    static const char *const names[] = {"xterm-256color", "tmux-256color", "screen-256color", "xterm", "vt100"};
    int seen = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        TERMINAL *own = NULL, *made = NULL;
        struct text entry = {0}, hex = {0};
        if (!set_terminal(names[i], &own)) continue; /* not described on this machine */
        direct_describe(&entry, "lathe-direct");
        text_add(&hex, "hex:");
        for (size_t k = 0; k < entry.length; k++) text_add(&hex, "%02X", (unsigned char)entry.bytes[k]);
        setenv("TERMINFO", text_get(&hex), 1);
        if (!set_terminal("lathe-direct", &made)) fail_msg("curses does not take the entry made from %s", names[i]);
        unsetenv("TERMINFO");
        compare(own, made);
        set_curterm(made);
        check_colors();
        del_curterm(made), del_curterm(own);
        text_release(&entry), text_release(&hex);
        seen++;
    }
    if (!seen) skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(entries_are_read_back)};
    unsetenv("TERMINFO");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
