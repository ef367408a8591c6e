#include "tui/menu.h"

#include "tui/term/term.h"

#include <string.h>

static const struct {
    char key;
    const char *title, *help;
} quits[QUIT_CHOICES] = {
    {'d', "detach", "the training goes on; lathe attach brings the screen back"},
    {'s', "save and stop", "writes last.ckpt, then ends; lathe fit --resume goes on"},
    {'x', "stop", "ends without saving what came after the last checkpoint"},
    {'n', "stay", "back to the screen"},
};

static const struct {
    const char *keys, *help;
} actions[] = {
#define ACTION(function, key, other, words, help) {words, help},
#include "tui/actions.def"
#undef ACTION
};
enum { ACTIONS = sizeof actions / sizeof *actions };

/* An empty box in the middle with a title; returns its inside. */
static struct rect open_box(struct canvas *canvas, int width, int height, const char *title)
{
    struct rect box = {(canvas->width - width) / 2, (canvas->height - height) / 2, width, height};
    if (box.width > canvas->width) box.width = canvas->width;
    if (box.height > canvas->height) box.height = canvas->height;
    if (box.x < 0) box.x = 0;
    if (box.y < 0) box.y = 0;
    for (int y = 0; y < box.height; y++)
        for (int x = 0; x < box.width; x++) canvas_put(canvas, box.x + x, box.y + y, ' ', SLOT_TEXT);
    canvas_rule(canvas, (struct rect){box.x, box.y, box.width, 1}, title);
    canvas_rule(canvas, (struct rect){box.x, box.y + box.height - 1, box.width, 1}, "");
    return (struct rect){box.x + 2, box.y + 1, box.width - 4, box.height - 2};
}

static void draw_help(struct canvas *canvas)
{
    struct rect inside = open_box(canvas, 64, ACTIONS + 2, "keys");
    for (int i = 0; i < ACTIONS && i < inside.height; i++) {
        canvas_text(canvas, inside.x, inside.y + i, 8, SLOT_KEY, "%s", actions[i].keys);
        canvas_text(canvas, inside.x + 9, inside.y + i, inside.width - 9, SLOT_TEXT, "%s", actions[i].help);
    }
}

static void draw_quit(const struct app *app, struct canvas *canvas)
{
    struct rect inside = open_box(canvas, 78, QUIT_CHOICES + 2, "leave?");
    for (int i = 0; i < QUIT_CHOICES && i < inside.height; i++) {
        bool chosen = i == app->choice;
        canvas_text(canvas, inside.x, inside.y + i, 2, SLOT_KEY, "%s", chosen ? ">" : " ");
        canvas_text(canvas, inside.x + 2, inside.y + i, 2, SLOT_KEY, "%c", quits[i].key);
        canvas_text(canvas, inside.x + 4, inside.y + i, 14, chosen ? SLOT_TITLE : SLOT_TEXT, "%s", quits[i].title);
        canvas_text(canvas, inside.x + 18, inside.y + i, inside.width - 18, SLOT_DIM, "%s", quits[i].help);
    }
}

void menu_draw(const struct app *app, struct canvas *canvas)
{
    if (app->overlay == OVERLAY_HELP) draw_help(canvas);
    if (app->overlay == OVERLAY_QUIT) draw_quit(app, canvas);
}

int menu_quit_key(struct app *app, int key)
{
    if (key == TERM_UP || key == 'k') app->choice = (app->choice + QUIT_CHOICES - 1) % QUIT_CHOICES;
    if (key == TERM_DOWN || key == 'j') app->choice = (app->choice + 1) % QUIT_CHOICES;
    if (key == '\n' || key == '\r') return app->choice;
    for (int i = 0; i < QUIT_CHOICES; i++)
        if (key == quits[i].key) return i;
    return -1;
}
