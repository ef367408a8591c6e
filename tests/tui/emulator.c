#include "tests/tui/emulator.h"

#include "data/base/memory.h"
#include "data/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vterm.h>

struct emulator {
    VTerm *terminal;
    VTermScreen *screen;
    struct text sequence; /* a control sequence that is not complete yet */
    struct text answer;
};

static void take_answer(const char *bytes, size_t length, void *user)
{
    text_add_bytes(&((struct emulator *)user)->answer, bytes, length);
}

struct emulator *emulator_new(int width, int height)
{
    struct emulator *self = memory_new(1, sizeof *self);
    self->terminal = vterm_new(height, width);
    vterm_set_utf8(self->terminal, 1);
    vterm_output_set_callback(self->terminal, take_answer, self);
    self->screen = vterm_obtain_screen(self->terminal);
    vterm_screen_enable_altscreen(self->screen, 1);
    vterm_screen_reset(self->screen, 1);
    return self;
}

void emulator_free(struct emulator *self)
{
    if (!self) return;
    vterm_free(self->terminal);
    text_release(&self->sequence), text_release(&self->answer);
    free(self);
}

/* ---- dim: libvterm knows none, so it is told of italics instead, which nothing here uses ---- */

/* ESC [ … m with 3 for 2, but not within a colour: 38 or 48, then 5 and an index or 2 and three numbers. */
static void write_attributes(struct emulator *self)
{
    struct text out = {0};
    int left = 0; /* numbers that belong to a colour; below 0: what kind it is comes next */
    for (char *c = self->sequence.bytes + 1; *c == '[' || *c == ';';) {
        int number = (int)strtol(c + 1, &c, 10);
        if (left < 0)
            left = number == 5 ? 1 : 3;
        else if (left > 0)
            left--;
        else if (number == 38 || number == 48)
            left = -1;
        else if (number == 2)
            number = 3;
        text_add(&out, "%s%d", out.length ? ";" : "\033[", number);
    }
    text_add(&out, "m");
    vterm_input_write(self->terminal, out.bytes, out.length);
    text_release(&out);
}

static bool is_complete(const char *sequence, size_t length)
{
    if (length < 3) return length == 2 && sequence[1] != '[' && sequence[1] != '_';
    const char last = sequence[length - 1];
    if (sequence[1] == '_') return last == '\\' && sequence[length - 2] == '\033';
    return last >= 0x40 && last <= 0x7E;
}

/* Application strings (ESC _ … ESC \) are skipped as terminals do; libvterm below 0.2 prints them. */
static void end_sequence(struct emulator *self)
{
    const struct text *sequence = &self->sequence;
    if (sequence->bytes[1] == '[' && sequence->bytes[sequence->length - 1] == 'm')
        write_attributes(self);
    else if (sequence->bytes[1] != '_')
        vterm_input_write(self->terminal, sequence->bytes, sequence->length);
    text_clear(&self->sequence);
}

void emulator_feed(struct emulator *self, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\033' || self->sequence.length) {
            text_add_bytes(&self->sequence, &bytes[i], 1);
            if (is_complete(self->sequence.bytes, self->sequence.length)) end_sequence(self);
        } else {
            vterm_input_write(self->terminal, &bytes[i], 1);
        }
    }
    vterm_screen_flush_damage(self->screen);
}

/* ---- looking ---- */

size_t emulator_answer(struct emulator *self, char *bytes, size_t room)
{
    const size_t length = self->answer.length < room ? self->answer.length : room;
    if (length) memcpy(bytes, self->answer.bytes, length);
    text_clear(&self->answer);
    return length;
}

static int32_t color_of(const VTermColor *color)
{
    if (VTERM_COLOR_IS_DEFAULT_FG(color) || VTERM_COLOR_IS_DEFAULT_BG(color)) return EMULATOR_DEFAULT;
    if (VTERM_COLOR_IS_INDEXED(color)) return color->indexed.idx;
    return EMULATOR_RGB | color->rgb.red << 16 | color->rgb.green << 8 | color->rgb.blue;
}

struct emulator_cell emulator_at(const struct emulator *self, int x, int y)
{
    VTermScreenCell cell;
    if (!vterm_screen_get_cell(self->screen, (VTermPos){.row = y, .col = x}, &cell))
        return (struct emulator_cell){.code = ' '};
    return (struct emulator_cell){.code = cell.chars[0] == 0              ? ' '
                                          : cell.chars[0] == (uint32_t)-1 ? 0
                                                                          : cell.chars[0],
                                  .look = {.ink = color_of(&cell.fg),
                                           .ground = color_of(&cell.bg),
                                           .bold = cell.attrs.bold,
                                           .dim = cell.attrs.italic,
                                           .underline = cell.attrs.underline != 0,
                                           .reverse = cell.attrs.reverse}};
}
