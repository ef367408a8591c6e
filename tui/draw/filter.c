#include "tui/draw/filter.h"

#include "tui/term/term.h"

#include <string.h>
#include <strings.h>

static void take_away(struct filter *self)
{
    if (self->text[0]) memcpy(self->before, self->text, sizeof self->before);
    self->text[0] = 0;
}

bool filter_key(struct filter *self, int key)
{
    const size_t length = strlen(self->text);
    if (!self->open) {
        if (key == 27 && length) return take_away(self), true;
        return false;
    }
    if (key == '\n') {
        self->open = false;
    } else if (key == 27) {
        self->open = false;
        take_away(self);
    } else if (key == TERM_BACKSPACE) {
        if (length) self->text[length - 1] = 0;
    } else if (key >= 32 && key < 127 && length + 1 < sizeof self->text) {
        self->text[length] = (char)key;
        self->text[length + 1] = 0;
    } else {
        return key < TERM_UP || key == TERM_LEFT || key == TERM_RIGHT; /* moving in the list goes on */
    }
    return true;
}

static bool holds(const char *text, const char *word, size_t length)
{
    for (; *text; text++)
        if (strncasecmp(text, word, length) == 0) return true;
    return false;
}

static bool has_all(const char *words, const char *text)
{
    for (const char *word = words; *word;) {
        const size_t length = strcspn(word, " ");
        if (length && !holds(text, word, length)) return false;
        word += length + (word[length] == ' ');
    }
    return true;
}

bool filter_passes(const struct filter *self, const char *text)
{
    return has_all(self->text, text);
}

bool filter_finds(const struct filter *self, const char *text)
{
    return has_all(self->text[0] ? self->text : self->before, text);
}

int filter_draw(const struct filter *self, struct canvas *canvas, int x, int y, int room)
{
    if (!self->open && !self->text[0]) return 0;
    return canvas_text(canvas, x, y, room, SLOT_KEY, "/%s%s", self->text, self->open ? "_" : "");
}
