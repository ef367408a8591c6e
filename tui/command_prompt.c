/* The box of the colon: every command a run obeys, with its argument. */
#include "engine/log/control.h"
#include "tui/app.h"
#include "tui/feed/document.h"
#include "tui/prompt.h"

#include <stdio.h>

static void enter(struct app *app)
{
    struct request request;
    if (control_read_line(&request, app->prompt.text) != LT_OK) {
        snprintf(app->prompt.wrong, sizeof app->prompt.wrong, "%s", lt_message());
        return;
    }
    app->overlay = OVERLAY_NONE;
    app_ask(app, request.command, request.argument[0] ? request.argument : NULL);
}

static void offer_settings(struct prompt *self, const char *folder)
{
    struct document document = {0};
    size_t i;
    json_t *row;
    (void)document_poll(&document, folder, "settings");
    json_array_foreach(json_object_get(document.json, "settings"), i, row)
    {
        const char *key = json_string_value(json_object_get(row, "key")),
                   *value = json_string_value(json_object_get(row, "value")),
                   *help = json_string_value(json_object_get(row, "help"));
        char word[80];
        snprintf(word, sizeof word, "set %.60s=", key ? key : "?");
        prompt_offer(self, word, value ? value : "", help ? help : "");
    }
    document_release(&document);
}

void prompt_command(struct app *app)
{
    char rate[32];
    if (app->prompt.starting) { /* a branch: its box is still needed */
        app->overlay = OVERLAY_PROMPT;
        return;
    }
    struct prompt *self = prompt_open(app, "tell the run", enter);
    self->one_word = true;
    for (int i = 0; i < COMMANDS; i++) {
        const enum control command = (enum control)i;
        char word[48];
        if (command == COMMAND_SET) continue; /* one offer for each key */
        snprintf(word, sizeof word, "%s%s", control_name(command), control_argument(command)[0] ? " " : "");
        prompt_offer(self, word, control_argument(command), control_help(command));
    }
    snprintf(rate, sizeof rate, "%.4g", app->feed.status.lr);
    prompt_offer(self, "set lr=", rate, "the learning rate; set lr*0.5 too; KEY=undo takes the last one back");
    if (app->feed.has_hello) offer_settings(self, app->feed.hello.folder);
}
