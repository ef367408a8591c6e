#include "tui/settings_menu.h"

#include "data/base/memory.h"
#include "tui/menu.h"

#include <stdio.h>
#include <string.h>

enum { KEYS = 16, VALUES = 18 };

/* What a row may be: the choices of its row, or all themes. */
static void choices_of(enum preference id, struct texts *list)
{
    enum { CHOICES_MAX = 16 };
    const char *choices = preference_row(id)->choices;
    if (!choices) {
        theme_list(list);
        list->item = memory_resize(list->item, list->count + 1, sizeof *list->item);
        list->item[list->count++] = memory_text("auto");
        return;
    }
    *list = (struct texts){.item = memory_new(CHOICES_MAX, sizeof *list->item)};
    for (const char *c = choices; *c && list->count < CHOICES_MAX;) {
        const size_t length = strcspn(c, "|");
        char word[PREFERENCE_MAX];
        snprintf(word, sizeof word, "%.*s", (int)length, c);
        list->item[list->count++] = memory_text(word);
        c += length + (c[length] == '|');
    }
}

static void change(struct app *app, enum preference id, int by)
{
    struct texts list;
    choices_of(id, &list);
    const int count = (int)list.count;
    int at = 0;
    for (int i = 0; i < count; i++)
        if (strcmp(list.item[i], app->look.value[id]) == 0) at = i;
    if (count && preferences_set(&app->look, id, list.item[(at + by + count) % count]) == LT_OK) app->restyle = true;
    theme_names_release(&list);
}

void settings_key(struct app *app, int key)
{
    const int rows = PREFERENCES;
    if (key == TERM_UP || key == 'k') app->choice = (app->choice + rows - 1) % rows;
    if (key == TERM_DOWN || key == 'j') app->choice = (app->choice + 1) % rows;
    if (key == TERM_LEFT || key == 'h') change(app, (enum preference)app->choice, -1);
    if (key == TERM_RIGHT || key == 'l' || key == ' ') change(app, (enum preference)app->choice, 1);
    if (key != 27 && key != '\n' && key != TERM_F2 && key != 'q') return;
    app->overlay = OVERLAY_NONE;
    if (preferences_write(&app->look) == LT_OK)
        snprintf(app->note, sizeof app->note, "settings kept");
    else
        snprintf(app->note, sizeof app->note, "settings not kept: %.200s", lt_message());
}

void settings_draw(const struct app *app, struct canvas *canvas)
{
    const struct rect inside = menu_box(canvas, 78, PREFERENCES + 4, "settings");
    for (int i = 0; i < PREFERENCES && i < inside.height; i++) {
        const struct preference_row *row = preference_row((enum preference)i);
        const bool chosen = i == app->choice;
        const int y = inside.y + i;
        canvas_text(canvas, inside.x, y, rect_room(inside, inside.x, KEYS), chosen ? SLOT_CHOSEN : SLOT_TEXT, "%s",
                    row->key);
        canvas_text(canvas, inside.x + KEYS, y, rect_room(inside, inside.x + KEYS, VALUES),
                    chosen ? SLOT_KEY : SLOT_VALUE, "%s %s %s", chosen ? "<" : " ", app->look.value[i],
                    chosen ? ">" : " ");
        canvas_text(canvas, inside.x + KEYS + VALUES, y, inside.width - KEYS - VALUES, SLOT_DIM, "%s", row->help);
    }
    if (inside.height > PREFERENCES + 1)
        canvas_text(canvas, inside.x, inside.y + PREFERENCES + 1, inside.width, SLOT_DIM,
                    "Up Down choose, Left Right change, Enter keeps (in the settings file)");
}
