#include "tui/app.h"

#include "tui/menu.h"
#include "tui/settings_menu.h"
#include "tui/term/term.h"
#include "tui/views/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void app_release(struct app *self)
{
    for (int i = 0; i < VIEWS; i++) {
        if (self->state[i] && view_at(i)->release) view_at(i)->release(self->state[i]);
        free(self->state[i]);
    }
    text_release(&self->out);
    text_release(&self->copy);
    marks_release(&self->marks);
    for (size_t i = 0; i < self->others; i++) feed_release(&self->other[i]);
    free(self->other);
    feed_release(&self->feed);
    prompt_release(&self->prompt);
    *self = (struct app){0};
}

/* ---- actions: one function per row of actions.def ---- */

const char *app_refusal(const struct app *app)
{
    if (app->lost) return "the run is gone";
    if (app->read_only) return "this screen only looks";
    return app->feed.hello.stored ? "this is a stored run; attach steers a living one" : NULL;
}

void app_ask(struct app *app, enum control command, const char *argument)
{
    struct feed *feed = &app->feed;
    const char *why = app_refusal(app);
    if (why) {
        snprintf(feed->asked, sizeof feed->asked, "%s", control_name(command));
        snprintf(feed->answer, sizeof feed->answer, "not done: %s", why);
    } else if (!feed->ended) {
        feed_ask(feed, &app->out, command, argument);
    }
}

void app_say(struct app *app, const char *words)
{
    const size_t used = strlen(app->note);
    snprintf(app->note + used, sizeof app->note - used, "%s", words);
}

static void do_pause(struct app *app, int64_t now_ns)
{
    (void)now_ns;
    app_ask(app, app->feed.status.state == RUN_PAUSED ? COMMAND_RESUME : COMMAND_PAUSE, NULL);
}

static void do_checkpoint(struct app *app, int64_t now_ns)
{
    (void)now_ns;
    app_ask(app, COMMAND_CHECKPOINT, NULL);
}

static void do_validate(struct app *app, int64_t now_ns)
{
    (void)now_ns;
    app_ask(app, COMMAND_VALIDATE, NULL);
}

static void open_rate(struct app *app, int by)
{
    app->overlay = OVERLAY_RATE;
    app->choice = by;
}

static void do_lower_rate(struct app *app, int64_t now_ns)
{
    (void)now_ns;
    open_rate(app, -1);
}

static void do_raise_rate(struct app *app, int64_t now_ns)
{
    (void)now_ns;
    open_rate(app, 1);
}

static void do_command(struct app *app, int64_t now_ns)
{
    (void)now_ns;
    prompt_command(app);
}

static void do_settings(struct app *app, int64_t now_ns)
{
    (void)now_ns;
    app->overlay = OVERLAY_SETTINGS;
    app->choice = 0;
}

static void do_quit(struct app *app, int64_t now_ns)
{
    (void)now_ns;
    if (app->feed.ended || app->feed.hello.stored) { /* nothing to decide */
        app->leave = true;
        return;
    }
    app->overlay = app->lost ? OVERLAY_GONE : OVERLAY_QUIT;
    app->choice = 0;
}

static void do_interrupt(struct app *app, int64_t now_ns)
{
    if (app->interrupted_ns && now_ns - app->interrupted_ns < 2 * (int64_t)1000000000) {
        app->overlay = OVERLAY_NONE;
        app->leave = app->lost; /* nothing is left to stop */
        app_ask(app, COMMAND_SAVE_AND_STOP, NULL);
        return;
    }
    app->interrupted_ns = now_ns;
    do_quit(app, now_ns);
}

static void do_help(struct app *app, int64_t now_ns)
{
    (void)now_ns;
    app->overlay = app->overlay == OVERLAY_HELP ? OVERLAY_NONE : OVERLAY_HELP;
    app->help_top = 0;
}

static void do_next_view(struct app *app, int64_t now_ns)
{
    (void)now_ns;
    app->view = (app->view + 1) % VIEWS;
}

static void do_previous_view(struct app *app, int64_t now_ns)
{
    (void)now_ns;
    app->view = (app->view + VIEWS - 1) % VIEWS;
}

static void do_freeze(struct app *app, int64_t now_ns)
{
    (void)now_ns;
    app->frozen = !app->frozen;
}

static void do_repaint(struct app *app, int64_t now_ns)
{
    (void)now_ns;
    app->repaint = true;
}

static void do_suspend(struct app *app, int64_t now_ns)
{
    (void)now_ns;
    app->suspend = true;
}

static void do_back(struct app *app, int64_t now_ns)
{
    (void)now_ns;
    app->overlay = OVERLAY_NONE;
}

static void choose(struct app *app, enum menu_choice choice)
{
    app->overlay = OVERLAY_NONE;
    app->leave = choice == QUIT_DETACH || choice == GONE_OPEN_LOG || choice == GONE_LEAVE;
    app->open_log = choice == GONE_OPEN_LOG;
    if (choice == QUIT_SAVE_AND_STOP) app_ask(app, COMMAND_SAVE_AND_STOP, NULL);
    if (choice == QUIT_STOP) app_ask(app, COMMAND_STOP, NULL);
}

void app_lose(struct app *app)
{
    app->lost = true;
    if (app->feed.ended) return;
    app->feed.status.state = RUN_KILLED;
    app->feed.status.left_s = -1;
    app->feed.asked[0] = 0; /* nobody will answer */
    app->feed.version++;
    app->frozen = false;
    if (app->overlay != OVERLAY_NONE) return; /* somebody types */
    app->overlay = OVERLAY_GONE;
    app->choice = 0;
}

void app_tick(struct app *app)
{
    if (prompt_tick(app)) app->feed.version++;
    for (int i = 0; i < VIEWS; i++)
        if (view_at(i)->tick && view_at(i)->tick(app, view_state(app, i)) && i == app->view) app->feed.version++;
}

/* ---- keys ---- */

static void rate_key(struct app *app, int key)
{
    enum { MOST = 10 };
    char argument[32];
    if (key == '[' || key == TERM_LEFT || key == TERM_DOWN) app->choice -= app->choice > -MOST;
    if (key == ']' || key == TERM_RIGHT || key == TERM_UP) app->choice += app->choice < MOST;
    if (key == '\n') {
        snprintf(argument, sizeof argument, "lr*%.9g", menu_rate_factor(app));
        app_ask(app, COMMAND_SET, argument);
    }
    if (key == 'u') app_ask(app, COMMAND_SET, "lr=undo");
    if (key == '\n' || key == 'u' || key == 27 || key == 'q') app->overlay = OVERLAY_NONE;
}

static bool run_view_key(struct app *app, const struct view_key *table, int count, int key)
{
    for (int i = 0; i < count; i++) {
        if (key != table[i].key && key != table[i].other) continue;
        table[i].run(app, view_state(app, app->view));
        return true;
    }
    return false;
}

static void run_action(struct app *app, int key, int64_t now_ns)
{
    static const struct {
        int key, other;
        void (*run)(struct app *app, int64_t now_ns);
    } table[] = {
#define ACTION(function, key, other, words, help) {key, other, do_##function},
#include "tui/actions.def"
#undef ACTION
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (key == table[i].key || key == table[i].other) table[i].run(app, now_ns);
}

/* Text that is typed into a filter, and moves in a list. */
static bool list_takes(struct app *app, int key)
{
    const struct view *view = view_at(app->view);
    if (!view->list) return false;
    const struct view_list list = view->list(view_state(app, app->view));
    return filter_key(list.filter, key) || list_key(list.list, key, list.count, list.rows);
}

/* Keys of the view come first, then those of lists and of all charts, then the rest. */
static void view_key(struct app *app, int key, int64_t now_ns)
{
    const struct view *view = view_at(app->view);
    const struct view_key *keys;
    if (view->typed && view->typed(app, view_state(app, app->view), key)) return;
    if (list_takes(app, key)) return;
    if (key >= '1' && key < '1' + VIEWS) {
        app->view = key - '1';
        return;
    }
    for (int i = 0, count; (count = view_keys(view, i, &keys)) > 0; i++)
        if (run_view_key(app, keys, count, key)) return;
    run_action(app, key, now_ns);
}

void app_key(struct app *app, int key, int64_t now_ns)
{
    app->feed.version++;
    app->note[0] = 0;
    if (app->feed.answer[0]) app->feed.asked[0] = 0; /* it was read */
    const enum menu_choice choice = menu_choice_key(app, key);
    if (choice != MENU_CHOICES)
        choose(app, choice);
    else if (app->overlay == OVERLAY_HELP && menu_help_key(app, key))
        return;
    else if (app->overlay == OVERLAY_RATE)
        rate_key(app, key);
    else if (app->overlay == OVERLAY_PROMPT && key != 3)
        prompt_key(app, key);
    else if (app->overlay == OVERLAY_SETTINGS)
        settings_key(app, key);
    else if (app->overlay != OVERLAY_NONE)
        run_action(app, key, now_ns);
    else
        view_key(app, key, now_ns);
}
