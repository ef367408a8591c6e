#include "tui/term/direct.h"

#include "data/base/memory.h"
#include "tui/term/palette.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

/* ---- a compiled entry ---- */

enum { MAGIC_32_BIT = 01036, ABSENT = -1 };

/* As xterm+direct2 of ncurses has it, but that colours below 256 and not only below 8 are those of the palette: their
 * escapes are half as long. */
#define DIRECT(kind)                                                                                                   \
    "\033[%?%p1%{8}%<%t" kind "%p1%d%e%p1%{256}%<%t" kind "8;5;%p1%d%e" kind                                           \
    "8;2;%p1%{65536}%/%d;%p1%{256}%/%{255}%&%d;%p1%{255}%&%d%;m"

/* What is said otherwise; NULL: not at all (the palette is not changed, so it need not be put back). */
static const struct {
    const char *name, *text;
} changed[] = {{"setaf", DIRECT("3")}, {"setab", DIRECT("4")}, {"setf", NULL}, {"setb", NULL},
               {"initc", NULL},        {"initp", NULL},        {"oc", NULL},   {"scp", NULL}};

static const char *string_of(const char *name)
{
    for (size_t i = 0; i < sizeof changed / sizeof *changed; i++)
        if (strcmp(changed[i].name, name) == 0) return changed[i].text;
    const char *text = tigetstr(name);
    return (intptr_t)text == -1 ? NULL : text; /* -1: no string */
}

static int number_of(const char *name)
{
    if (strcmp(name, "colors") == 0) return PALETTE_DIRECT;
    int number = tigetnum(name);
    return number < 0 ? ABSENT : number;
}

static void put(struct text *out, int value, int bytes)
{
    for (int i = 0; i < bytes; i++) text_add_bytes(out, &(char){(char)((unsigned)value >> 8 * i)}, 1);
}

static void make_even(struct text *out)
{
    if (out->length % 2) put(out, 0, 1);
}

/* Names end in NULL. Offsets into the table of texts, then the table grows by the texts. */
static int put_strings(struct text *offsets, struct text *table, const char *const *names)
{
    int count = 0;
    for (; names[count]; count++) {
        const char *text = string_of(names[count]);
        put(offsets, text ? (int)table->length : ABSENT, 2);
        if (text) text_add_bytes(table, text, strlen(text) + 1);
    }
    return count;
}

static void put_standard(struct text *out, const char *name)
{
    struct text flags = {0}, numbers = {0}, offsets = {0}, table = {0};
    int flag_count = 0, number_count = 0;
    for (; boolnames[flag_count]; flag_count++) {
        bool is_ccc = strcmp(boolnames[flag_count], "ccc") == 0; /* the palette is left alone */
        put(&flags, !is_ccc && tigetflag(boolnames[flag_count]) > 0, 1);
    }
    for (; numnames[number_count]; number_count++) put(&numbers, number_of(numnames[number_count]), 4);
    int string_count = put_strings(&offsets, &table, (const char *const *)strnames);
    const int header[] = {MAGIC_32_BIT, (int)strlen(name) + 1, flag_count,
                          number_count, string_count,          (int)table.length};
    for (int i = 0; i < 6; i++) put(out, header[i], 2);
    text_add_bytes(out, name, strlen(name) + 1);
    text_add_bytes(out, flags.bytes, flags.length);
    make_even(out);
    text_add_bytes(out, numbers.bytes, numbers.length);
    text_add_bytes(out, offsets.bytes, offsets.length);
    text_add_bytes(out, table.bytes, table.length);
    make_even(out);
    text_release(&flags), text_release(&numbers), text_release(&offsets), text_release(&table);
}

/* The extensions that curses or tui/term look at; RGB says that a colour's number is the colour. */
static void put_extended(struct text *out)
{
    static const char *const flags[] = {"AX", "RGB", "XT"}, *const numbers[] = {"CO", "U8"},
                             *const strings[] = {"Ms", "Sync", "XM", NULL};
    const bool flag[] = {tigetflag("AX") > 0, true, tigetflag("XT") > 0};
    const int number[] = {PALETTE_SIZE, number_of("U8")};
    struct text offsets = {0}, table = {0}, name_offsets = {0}, names = {0};
    int string_count = put_strings(&offsets, &table, strings);
    for (int i = 0; i < 3 + 2 + string_count; i++) {
        const char *name = i < 3 ? flags[i] : i < 5 ? numbers[i - 3] : strings[i - 5];
        put(&name_offsets, (int)names.length, 2); /* counted from the first name */
        text_add_bytes(&names, name, strlen(name) + 1);
    }
    const int header[] = {3, 2, string_count, 3 + 2 + 2 * string_count, (int)(table.length + names.length)};
    for (int i = 0; i < 5; i++) put(out, header[i], 2);
    for (int i = 0; i < 3; i++) put(out, flag[i], 1);
    make_even(out);
    for (int i = 0; i < 2; i++) put(out, number[i], 4);
    text_add_bytes(out, offsets.bytes, offsets.length);
    text_add_bytes(out, name_offsets.bytes, name_offsets.length);
    text_add_bytes(out, table.bytes, table.length);
    text_add_bytes(out, names.bytes, names.length);
    text_release(&offsets), text_release(&table), text_release(&name_offsets), text_release(&names);
}

void direct_describe(struct text *out, const char *name)
{
    put_standard(out, name);
    put_extended(out);
}

/* ---- opening ---- */

/* GNU screen hands COLORTERM through and does not know these colours; tmux, which may go by the same name, does. */
static bool says_direct(void)
{
    const char *says = getenv("COLORTERM"), *name = getenv("TERM");
    bool gnu_screen = name && strncmp(name, "screen", 6) == 0 && !getenv("TMUX");
    bool by_environment = says && !gnu_screen && (strcmp(says, "truecolor") == 0 || strcmp(says, "24bit") == 0);
    return by_environment || tigetflag("Tc") > 0;
}

/* The last setupterm was the terminal's. */
static bool is_wanted(const char *color)
{
    if (tigetnum("colors") < 256 || tigetnum("colors") >= PALETTE_DIRECT) return false; /* cannot, or can anyway */
    if (color && strcmp(color, "24bit") == 0) return true;
    return (!color || strcmp(color, "auto") == 0) && says_direct();
}

static void put_back(const char *name, const char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

/* Curses takes an entry out of TERMINFO itself when it is written as "hex:…" (terminfo(5)). */
static SCREEN *open_described(void)
{
    static const char name[] = "lathe-direct";
    struct text entry = {0}, hex = {0};
    char *before = memory_text(getenv("TERMINFO"));
    direct_describe(&entry, name);
    text_add(&hex, "hex:");
    for (size_t i = 0; i < entry.length; i++) text_add(&hex, "%02X", (unsigned char)entry.bytes[i]);
    setenv("TERMINFO", text_get(&hex), 1);
    SCREEN *screen = newterm(name, stdout, stdin);
    put_back("TERMINFO", before);
    free(before);
    text_release(&entry), text_release(&hex);
    return screen;
}

int direct_palette(void)
{
    const int size = tigetnum("CO");
    return size < 0 ? PALETTE_SMALL : size;
}

SCREEN *direct_open(const char *color)
{
    int found;
    SCREEN *screen = NULL;
    if (setupterm(NULL, STDOUT_FILENO, &found) == OK && is_wanted(color)) screen = open_described();
    return screen ? screen : newterm(NULL, stdout, stdin);
}
