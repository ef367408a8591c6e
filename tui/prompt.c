#include "tui/prompt.h"

#include "data/base/memory.h"
#include "tui/app.h"
#include "tui/menu.h"
#include "tui/term/term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct prompt *prompt_open(struct app *app, const char *title, void (*enter)(struct app *app))
{
    struct prompt *self = &app->prompt;
    prompt_release(self);
    self->enter = enter;
    snprintf(self->title, sizeof self->title, "%s", title);
    app->overlay = OVERLAY_PROMPT;
    return self;
}

void prompt_offer(struct prompt *self, const char *word, const char *value, const char *help)
{
    self->offer = memory_grow(self->offer, self->offers, &self->capacity, sizeof *self->offer);
    self->offer[self->offers++] = (struct prompt_offer){memory_text(word), memory_text(value), memory_text(help)};
}

/* The part of the text that an offer completes. */
static const char *part_of(const struct prompt *self)
{
    const char *space = self->one_word ? NULL : strrchr(self->text, ' ');
    return space ? space + 1 : self->text;
}

/* Behind its "=" comes a value, and the offer still tells what that means. */
static bool fits(const struct prompt *self, const struct prompt_offer *offer)
{
    const char *part = part_of(self);
    const size_t key = strcspn(part, "=");
    return part[key] ? strncmp(offer->word, part, key + 1) == 0 : strncmp(offer->word, part, key) == 0;
}

/* As far as all offers that fit agree. */
static void complete(struct prompt *self)
{
    const struct prompt_offer *first = NULL;
    size_t agreed = 0;
    char *part = self->text + (part_of(self) - self->text);
    for (size_t i = 0; i < self->offers; i++) {
        if (!fits(self, &self->offer[i])) continue;
        if (!first) agreed = strlen(self->offer[i].word);
        first = first ? first : &self->offer[i];
        while (strncmp(first->word, self->offer[i].word, agreed) != 0) agreed--;
    }
    const size_t room = sizeof self->text - (size_t)(part - self->text);
    if (agreed > strlen(part) && agreed < room) snprintf(part, room, "%.*s", (int)agreed, first->word);
}

void prompt_key(struct app *app, int key)
{
    struct prompt *self = &app->prompt;
    const size_t length = strlen(self->text);
    if (key == 27) {
        app->overlay = OVERLAY_NONE;
        return;
    }
    if (key == '\n') {
        self->enter(app);
        return;
    }
    self->wrong[0] = 0;
    if (key == '\t') {
        complete(self);
    } else if (key == TERM_BACKSPACE && length) {
        self->text[length - 1] = 0;
    } else if (key == 21) { /* Ctrl-U, as shells have it */
        self->text[0] = 0;
    } else if (key >= 32 && key < 127 && length + 1 < sizeof self->text) {
        self->text[length] = (char)key;
        self->text[length + 1] = 0;
    }
}

/* Columns of words, and of words and values, by what fits. */
struct widths {
    int word, value, count;
};

static int larger(int width, const char *text, int most)
{
    const int length = (int)strlen(text) + 2;
    return length > most ? most : length > width ? length : width;
}

static struct widths measure(const struct prompt *self, int room)
{
    struct widths widths = {0};
    for (size_t i = 0; i < self->offers; i++) {
        if (!fits(self, &self->offer[i])) continue;
        widths.word = larger(widths.word, self->offer[i].word, room / 2);
        widths.value = larger(widths.value, self->offer[i].value, room / 4);
        widths.count++;
    }
    return widths;
}

/* The help of the only one is told whole, below it. */
static void draw_offer(struct canvas *canvas, struct rect row, const struct prompt_offer *offer, struct widths widths)
{
    const int help = widths.word + widths.value;
    canvas_text(canvas, row.x, row.y, widths.word - 1, SLOT_KEY, "%s", offer->word);
    canvas_text(canvas, row.x + widths.word, row.y, widths.value - 1, SLOT_VALUE, "%s", offer->value);
    if (widths.count > 1)
        canvas_text(canvas, row.x + help, row.y, row.width - help, SLOT_DIM, "%s", offer->help);
    else
        canvas_text(canvas, row.x, row.y + 1, row.width, SLOT_DIM, "%s", offer->help);
}

static void draw_offers(const struct prompt *self, struct canvas *canvas, struct rect rect)
{
    const struct widths widths = measure(self, rect.width);
    int shown = 0;
    for (size_t i = 0; i < self->offers && shown < rect.height; i++)
        if (fits(self, &self->offer[i]))
            draw_offer(canvas, (struct rect){rect.x, rect.y + shown++, rect.width, 1}, &self->offer[i], widths);
}

void prompt_draw(const struct app *app, struct canvas *canvas)
{
    enum { MOST = 14, WIDTH = 116 };
    const struct prompt *self = &app->prompt;
    const struct rect inside = menu_box(canvas, canvas->width < WIDTH ? canvas->width : WIDTH, MOST + 6, self->title);
    const int room = inside.width - 3, length = (int)strlen(self->text);
    canvas_text(canvas, inside.x, inside.y, 2, SLOT_KEY, ">");
    const int typed = canvas_text(canvas, inside.x + 2, inside.y, room, SLOT_VALUE, "%s",
                                  self->text + (length > room ? length - room : 0));
    canvas_text(canvas, inside.x + 2 + typed, inside.y, 1, SLOT_KEY, "_");
    canvas_text(canvas, inside.x, inside.y + 1, inside.width, self->starting ? SLOT_WARNING : SLOT_BAD, "%s",
                self->wrong);
    draw_offers(self, canvas, (struct rect){inside.x, inside.y + 2, inside.width, inside.height - 4});
    canvas_text(canvas, inside.x, inside.y + inside.height - 1, inside.width, SLOT_DIM,
                "Tab completes   Enter does it   Ctrl-U empties   Esc leaves");
}

void prompt_release(struct prompt *self)
{
    for (size_t i = 0; i < self->offers; i++)
        free(self->offer[i].word), free(self->offer[i].value), free(self->offer[i].help);
    free(self->offer);
    if (self->starting) close(self->output);
    free(self->checkpoint);
    text_release(&self->said);
    *self = (struct prompt){0};
}
