#include "tui/menu.h"

#include "tui/settings_menu.h"
#include "tui/term/term.h"
#include "tui/views/view.h"

#include <math.h>
#include <string.h>

static const struct {
    enum overlay menu;
    char key;
    const char *title, *help;
} choices[MENU_CHOICES] = {
    [QUIT_DETACH] = {OVERLAY_QUIT, 'd', "detach", "the training goes on; lathe attach brings the screen back"},
    [QUIT_SAVE_AND_STOP] = {OVERLAY_QUIT, 's', "save and stop",
                            "writes last.ckpt, then ends; lathe fit --resume goes on"},
    [QUIT_STOP] = {OVERLAY_QUIT, 'x', "stop", "ends without saving what came after the last checkpoint"},
    [QUIT_STAY] = {OVERLAY_QUIT, 'n', "stay", "back to the screen"},
    [GONE_OPEN_LOG] = {OVERLAY_GONE, 'o', "open its log", "all that it logged, from run.h5"},
    [GONE_LEAVE] = {OVERLAY_GONE, 'q', "leave", "says how to go on from its last checkpoint"},
    [GONE_STAY] = {OVERLAY_GONE, 'n', "stay", "what it said last"},
};

static const struct {
    const char *keys, *help;
} actions[] = {
#define ACTION(function, key, other, words, help) {words, help},
#include "tui/actions.def"
#undef ACTION
};
enum { ACTIONS = sizeof actions / sizeof *actions };

struct rect menu_box(struct canvas *canvas, int width, int height, const char *title)
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

/* One line of the help: keys of the view, of lists and charts, of everything. Returns NULL past the end. */
static const char *help_line(const struct app *app, int line, const char **keys)
{
    const struct view_key *table;
    for (int i = 0, count; (count = view_keys(view_at(app->view), i, &table)) > 0; i++) {
        if (line < count) return *keys = table[line].words, table[line].help;
        line -= count;
    }
    return line < ACTIONS ? (*keys = actions[line].keys, actions[line].help) : NULL;
}

static void draw_help(const struct app *app, struct canvas *canvas)
{
    enum { KEYS = 12 };
    const char *keys;
    int lines = 0;
    while (help_line(app, lines, &keys)) lines++;
    const struct rect inside = menu_box(canvas, 68, lines + 2, "keys");
    const int most = lines - inside.height, top = app->help_top < most ? app->help_top : most > 0 ? most : 0;
    for (int i = 0; i < inside.height; i++) {
        const char *help = help_line(app, top + i, &keys);
        if (!help) break;
        canvas_text(canvas, inside.x, inside.y + i, KEYS - 1, SLOT_KEY, "%s", keys);
        canvas_text(canvas, inside.x + KEYS, inside.y + i, inside.width - KEYS, SLOT_TEXT, "%s", help);
    }
    if (top < most)
        canvas_text(canvas, inside.x, inside.y + inside.height, inside.width, SLOT_DIM, " %d more; Down shows them ",
                    most - top);
}

bool menu_help_key(struct app *app, int key)
{
    const int by = key == TERM_DOWN || key == 'j' ? 1
                   : key == TERM_UP || key == 'k' ? -1
                   : key == TERM_PAGE_DOWN        ? 10
                   : key == TERM_PAGE_UP          ? -10
                                                  : 0;
    if (by == 0) return false;
    app->help_top = app->help_top + by < 0 ? 0 : app->help_top + by;
    return true;
}

/* The choices of a menu: `first` and how many. */
static int choices_of(enum overlay menu, int *first)
{
    int count = 0;
    for (int i = 0; i < MENU_CHOICES; i++)
        if (choices[i].menu == menu && count++ == 0) *first = i;
    return count;
}

static void draw_choices(const struct app *app, struct canvas *canvas, const char *title)
{
    int first = 0;
    const int count = choices_of(app->overlay, &first);
    struct rect inside = menu_box(canvas, 78, count + 2, title);
    for (int i = 0; i < count && i < inside.height; i++) {
        bool chosen = i == app->choice;
        const struct rect row = {inside.x, inside.y + i, inside.width, 1};
        canvas_spot(canvas, (struct spot){.rect = row, .kind = SPOT_KEY, .value = choices[first + i].key});
        canvas_text(canvas, inside.x, inside.y + i, 2, SLOT_KEY, "%s", chosen ? ">" : " ");
        canvas_text(canvas, inside.x + 2, inside.y + i, 2, SLOT_KEY, "%c", choices[first + i].key);
        canvas_text(canvas, inside.x + 4, inside.y + i, 14, chosen ? SLOT_TITLE : SLOT_TEXT, "%s",
                    choices[first + i].title);
        canvas_text(canvas, inside.x + 18, inside.y + i, inside.width - 18, SLOT_DIM, "%s", choices[first + i].help);
    }
}

enum menu_choice menu_choice_key(struct app *app, int key)
{
    int first = 0;
    const int count = choices_of(app->overlay, &first);
    if (count == 0) return MENU_CHOICES;
    if (key == TERM_UP || key == 'k') app->choice = (app->choice + count - 1) % count;
    if (key == TERM_DOWN || key == 'j') app->choice = (app->choice + 1) % count;
    if (key == '\n' || key == '\r') return (enum menu_choice)(first + app->choice);
    for (int i = first; i < first + count; i++)
        if (key == choices[i].key) return (enum menu_choice)i;
    return MENU_CHOICES;
}

/* ---- the learning rate ---- */

double menu_rate_factor(const struct app *app)
{
    return pow(2, app->choice);
}

static void draw_rate(const struct app *app, struct canvas *canvas)
{
    const double now = app->feed.status.lr, factor = menu_rate_factor(app);
    const struct rect inside = menu_box(canvas, 66, 5, "learning rate");
    canvas_text(canvas, inside.x, inside.y, inside.width, SLOT_VALUE,
                "%.4g  to  %.4g   (times %g, from the next step on)", now, now * factor, factor);
    canvas_text(canvas, inside.x, inside.y + 2, inside.width, SLOT_DIM,
                "[ lower   ] higher   Enter asks   u takes the last one back");
}

void menu_draw(const struct app *app, struct canvas *canvas)
{
    if (app->overlay == OVERLAY_HELP) draw_help(app, canvas);
    if (app->overlay == OVERLAY_QUIT) draw_choices(app, canvas, "leave?");
    if (app->overlay == OVERLAY_GONE) draw_choices(app, canvas, "the run is gone without a word");
    if (app->overlay == OVERLAY_RATE) draw_rate(app, canvas);
    if (app->overlay == OVERLAY_PROMPT) prompt_draw(app, canvas);
    if (app->overlay == OVERLAY_SETTINGS) settings_draw(app, canvas);
}
