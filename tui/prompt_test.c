/* The boxes that are typed into: what is offered, completed, refused, sent. */
#include "data/base/memory.h"
#include "tui/app.h"
#include "tui/term/term.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void type(struct app *app, const char *keys)
{
    for (; *keys; keys++) app_key(app, *keys, 0);
}

/* Whether a command with this argument is the last that was sent. */
static bool sent(const struct app *app, const char *words)
{
    return app->out.length > 0 && strcmp(app->feed.asked, words) == 0;
}

static void commands_are_typed(void **state)
{
    (void)state;
    struct app app = {.feed = {.has_status = true}};
    type(&app, ":");
    assert_int_equal(app.overlay, OVERLAY_PROMPT);
    type(&app, "pau\t");
    assert_string_equal(app.prompt.text, "pause");
    type(&app, "\n");
    assert_true(sent(&app, "pause") && app.overlay == OVERLAY_NONE);
    type(&app, ":set lr 3e-4\n");
    assert_true(sent(&app, "set lr=3e-4"));
    type(&app, ":set lr*0.5\n");
    assert_true(sent(&app, "set lr*0.5"));
    type(&app, ":veto");
    type(&app, "\033");
    assert_true(sent(&app, "set lr*0.5") && app.overlay == OVERLAY_NONE); /* Esc sends nothing */
    app_release(&app);
}

static void what_is_wrong_can_be_mended(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {{"dance", "is nothing a run can be told"}, {"pasue", "did you mean 'pause'"},
                                           {"", "is nothing a run can be told"},      {"set", "set needs KEY=VALUE"},
                                           {"pause now", "'now' is too much"},        {"set a b c d e", "is too much"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct app app = {.feed = {.has_status = true}};
        type(&app, ":");
        type(&app, wrong[i][0]);
        type(&app, "\n");
        assert_int_equal(app.overlay, OVERLAY_PROMPT);
        assert_non_null(strstr(app.prompt.wrong, wrong[i][1]));
        assert_int_equal(app.out.length, 0);
        app_key(&app, 21, 0);
        assert_string_equal(app.prompt.text, "");
        type(&app, "resumex");
        app_key(&app, TERM_BACKSPACE, 0);
        type(&app, "\n");
        assert_true(sent(&app, "resume"));
        app_release(&app);
    }
}

static void completion_goes_as_far_as_all_agree(void **state)
{
    (void)state;
    struct app app = {0};
    struct prompt *prompt = prompt_open(&app, "settings", NULL);
    prompt_offer(prompt, "trainer.max_epochs=", "20", "");
    prompt_offer(prompt, "trainer.max_steps=", "-1", "");
    prompt_offer(prompt, "optimizer.lr=", "0.1", "");
    type(&app, "t\t");
    assert_string_equal(prompt->text, "trainer.max_");
    type(&app, "e\t40 o\t3e-4 x\t");
    assert_string_equal(prompt->text, "trainer.max_epochs=40 optimizer.lr=3e-4 x");
    for (int i = 0; i < 500; i++) type(&app, "y"); /* more than there is room for */
    assert_int_equal(strlen(prompt->text), sizeof prompt->text - 1);
    type(&app, " o\t");
    assert_int_equal(strlen(prompt->text), sizeof prompt->text - 1);
    app_release(&app);
}

static void a_branch_wants_settings(void **state)
{
    (void)state;
    struct app app = {.feed = {.hello = {.folder = memory_text("/no/such/run")}}};
    prompt_branch(&app, "/no/such/run/checkpoints/last.ckpt");
    assert_non_null(strstr(app.prompt.title, "last.ckpt"));
    type(&app, "faster\n");
    assert_non_null(strstr(app.prompt.wrong, "settings are KEY=VALUE"));
    assert_int_equal(app.prompt.starting, 0);
    app_release(&app);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_typed), cmocka_unit_test(what_is_wrong_can_be_mended),
        cmocka_unit_test(completion_goes_as_far_as_all_agree), cmocka_unit_test(a_branch_wants_settings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
