/* Callbacks driven through their hooks with made-up views of a run; the log is a recorder of this file. */
#include "data/base/memory.h"
#include "engine/callbacks/callback.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the recorder: stands in for engine/log ---- */

static char said[2048];

int log_metric(struct log *self, const struct metric_info *info)
{
    (void)self;
    snprintf(said + strlen(said), sizeof said - strlen(said), "%s ", info->name);
    return 0;
}

void log_scalar(struct log *self, int metric, int64_t step, double value)
{
    (void)self, (void)metric;
    snprintf(said + strlen(said), sizeof said - strlen(said), "%lld=%g;", (long long)step, value);
}

void log_event(struct log *self, enum event_kind kind, enum event_level level, int64_t step, const char *format, ...)
{
    (void)self, (void)kind;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(said + strlen(said), sizeof said - strlen(said), "%d@%lld %s;", (int)level, (long long)step, text);
}

void log_family(struct log *self, enum log_family which, int64_t step, const double *value)
{
    (void)self, (void)value;
    if (which == FAMILY_NORM) snprintf(said + strlen(said), sizeof said - strlen(said), "norms@%lld;", (long long)step);
}

/* ---- helpers ---- */

static const char *const known[] = {"train/loss", "val/loss", "val/f1"};

struct subject {
    const struct callback *callback;
    void *self;
    struct setting *root;
};

static enum lt_err make(struct subject *subject, const char *yaml)
{
    const char *name;
    const struct setting *rest;
    assert_int_equal(setting_parse(&subject->root, yaml, "t"), LT_OK);
    assert_int_equal(options_member(&name, &rest, subject->root), LT_OK);
    subject->callback = callback_find(name);
    assert_non_null(subject->callback);
    subject->self = memory_new(1, subject->callback->bound_bytes);
    LT_TRY(options_bind_member(subject->self, subject->callback->table, subject->root, rest));
    return subject->callback->check ? subject->callback->check(subject->self, subject->root, known, 3) : LT_OK;
}

static void unmake(struct subject *subject)
{
    if (subject->callback->release) subject->callback->release(subject->self);
    options_release(subject->self, subject->callback->table);
    free(subject->self);
    setting_free(subject->root);
    said[0] = 0;
}

/* One epoch ends with this value of val/f1 and val/loss. */
static void end_epoch(struct subject *subject, int64_t epoch, double value, struct wishes *wishes)
{
    const struct logged_value values[] = {{"val/f1", value, 10 * (epoch + 1)}, {"val/loss", value, 10 * (epoch + 1)}};
    const struct run_view run = {.checkpoint_folder = "ck",
                                 .step = 10 * (epoch + 1),
                                 .epoch = epoch,
                                 .batches = 10,
                                 .batch = 10,
                                 .stage = STAGE_VALIDATION,
                                 .value = values,
                                 .values = 2,
                                 .has_validation = true,
                                 .validated = true};
    *wishes = (struct wishes){0};
    if (subject->callback->on_validation_end) subject->callback->on_validation_end(subject->self, &run, wishes);
    if (subject->callback->on_train_epoch_end) subject->callback->on_train_epoch_end(subject->self, &run, wishes);
    for (size_t i = 0; subject->callback->on_saved && i < wishes->saves; i++)
        subject->callback->on_saved(subject->self, wishes->save[i], true);
}

/* The wishes as words: "+a.ckpt -b.ckpt". */
static const char *words(struct wishes *wishes)
{
    static char text[512];
    text[0] = 0;
    for (size_t i = 0; i < wishes->saves; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "+%s ", wishes->save[i]);
    for (size_t i = 0; i < wishes->removes; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "-%s ", wishes->remove[i]);
    if (wishes->stop) snprintf(text + strlen(text), sizeof text - strlen(text), "stop: %s", wishes->stop_reason);
    wishes_release(wishes);
    return text;
}

static void expect(struct subject *subject, int64_t epoch, double value, const char *expected)
{
    struct wishes wishes;
    end_epoch(subject, epoch, value, &wishes);
    assert_string_equal(words(&wishes), expected);
}

/* ---- model_checkpoint ---- */

static void best_two_with_ties_and_nan(void **state)
{
    (void)state;
    struct subject s;
    assert_int_equal(
        make(&s, "{model_checkpoint: {monitor: val/f1, mode: max, save_top_k: 2, filename: '{epoch}-{val/f1:.2f}'}}"),
        LT_OK);
    expect(&s, 0, 0.50, "+ck/epoch=0-val_f1=0.50.ckpt +ck/last.ckpt ");
    expect(&s, 1, NAN, "+ck/last.ckpt ");
    expect(&s, 2, 0.50, "+ck/epoch=2-val_f1=0.50.ckpt +ck/last.ckpt ");
    expect(&s, 3, 0.50, "+ck/last.ckpt ");
    expect(&s, 4, 0.70, "+ck/epoch=4-val_f1=0.70.ckpt +ck/last.ckpt -ck/epoch=2-val_f1=0.50.ckpt ");
    json_t *saved = s.callback->save(s.self);
    assert_string_equal(json_string_value(json_object_get(saved, "best_model_path")), "ck/epoch=4-val_f1=0.70.ckpt");
    json_decref(saved);
    unmake(&s);
}

static void without_monitor_the_newest_stays(void **state)
{
    (void)state;
    struct subject s;
    assert_int_equal(make(&s, "model_checkpoint"), LT_OK);
    expect(&s, 0, 1, "+ck/epoch=0-step=10.ckpt +ck/last.ckpt ");
    expect(&s, 1, 1, "+ck/epoch=1-step=20.ckpt +ck/last.ckpt -ck/epoch=0-step=10.ckpt ");
    unmake(&s);
    assert_int_equal(make(&s, "{model_checkpoint: {save_top_k: 0, save_last: false}}"), LT_OK);
    expect(&s, 0, 1, "");
    unmake(&s);
    assert_int_equal(make(&s, "{model_checkpoint: {save_top_k: -1, every_n_epochs: 2, filename: 'e{epoch:03d}', "
                              "auto_insert_metric_name: false}}"),
                     LT_OK);
    expect(&s, 0, 1, "");
    expect(&s, 1, 1, "+ck/e001.ckpt +ck/last.ckpt ");
    expect(&s, 3, 1, "+ck/e003.ckpt +ck/last.ckpt ");
    unmake(&s);
}

static void a_failed_save_keeps_the_old_one(void **state)
{
    (void)state;
    struct subject s;
    struct wishes wishes;
    assert_int_equal(make(&s, "{model_checkpoint: {monitor: val/loss}}"), LT_OK);
    expect(&s, 0, 2, "+ck/epoch=0-step=10.ckpt +ck/last.ckpt ");
    end_epoch(&s, 1, 1, &wishes);
    s.callback->on_saved(s.self, "ck/epoch=1-step=20.ckpt", false);
    assert_string_equal(words(&wishes), "+ck/epoch=1-step=20.ckpt +ck/last.ckpt -ck/epoch=0-step=10.ckpt ");
    expect(&s, 2, 1.5, "+ck/epoch=2-step=30.ckpt +ck/last.ckpt -ck/epoch=0-step=10.ckpt ");
    unmake(&s);
}

static void existing_files_are_not_overwritten(void **state)
{
    (void)state;
    struct subject s;
    FILE *file = fopen("epoch=0-step=10.ckpt", "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(make(&s, "{model_checkpoint: {dirpath: .}}"), LT_OK);
    expect(&s, 0, 1, "+./epoch=0-step=10-v1.ckpt +./last.ckpt ");
    /* its state comes back: only files that are still there */
    json_t *saved = json_pack("{s:i, s:[{s:s, s:s, s:i}, {s:s, s:s, s:i}]}", "scored_step", 10, "kept", "path",
                              "epoch=0-step=10.ckpt", "score", "nan", "step", 10, "path", "gone.ckpt", "score", "nan",
                              "step", 5);
    struct subject t;
    assert_int_equal(make(&t, "{model_checkpoint: {dirpath: .}}"), LT_OK);
    assert_int_equal(t.callback->load(t.self, saved), LT_OK);
    expect(&t, 1, 1, "+./epoch=1-step=20.ckpt +./last.ckpt -epoch=0-step=10.ckpt ");
    json_decref(saved);
    unmake(&s);
    unmake(&t);
    unlink("epoch=0-step=10.ckpt");
}

static void wrong_templates(void **state)
{
    (void)state;
    static const struct {
        const char *filename, *message;
    } cases[] = {
        {"{epohc}", "t:1: '{epohc}' names nothing that is logged; there are {epoch}, {step} and the metrics"},
        {"{val/f2}", "t:1: '{val/f2}' names nothing that is logged; did you mean '{val/f1}'?; there are {epoch}, "
                     "{step} and the metrics"},
        {"{epoch", "t:1: the template has an opening { without its }"},
        {"epoch}", "t:1: the template has a closing } without its {"},
        {"{epoch:3q}", "t:1: the format '3q' is not supported; use forms like 03d, .3f or .2e"},
        {"", "t:1: a file name cannot be empty"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char yaml[128];
        struct subject s;
        snprintf(yaml, sizeof yaml, "{model_checkpoint: {filename: '%s'}}", cases[i].filename);
        assert_int_equal(make(&s, yaml), LT_EUSAGE);
        assert_string_equal(lt_message(), cases[i].message);
        unmake(&s);
    }
    struct subject s;
    assert_int_equal(make(&s, "{model_checkpoint: {monitor: val/acc}}"), LT_EUSAGE);
    unmake(&s);
}

/* ---- early_stopping ---- */

static void patience_counts_checks(void **state)
{
    (void)state;
    struct subject s;
    assert_int_equal(make(&s, "{early_stopping: {monitor: val/loss, patience: 2, min_delta: 0.1}}"), LT_OK);
    expect(&s, 0, 1.0, "");
    expect(&s, 1, 0.95, "");
    json_t *saved = s.callback->save(s.self);
    s.callback->on_veto(s.self);
    expect(&s, 2, 0.92, "");
    expect(&s, 2, 0.91, "stop: val/loss did not improve on 1 in 2 checks");
    assert_int_equal(s.callback->load(s.self, saved), LT_OK);
    expect(&s, 2, 0.5, "");
    expect(&s, 3, 0.45, "");
    expect(&s, 4, NAN, "stop: val/loss is nan");
    json_decref(saved);
    unmake(&s);
    assert_int_equal(
        make(&s, "{early_stopping: {monitor: val/f1, mode: max, stopping_threshold: 0.9, divergence_threshold: 0.1}}"),
        LT_OK);
    expect(&s, 0, 0.95, "stop: val/f1 reached 0.95 (stopping_threshold 0.9)");
    expect(&s, 1, 0.05, "stop: val/f1 got as bad as 0.05 (divergence_threshold 0.1)");
    unmake(&s);
    assert_int_equal(make(&s, "early_stopping"), LT_EUSAGE); /* no monitor */
    free(s.self);
    setting_free(s.root);
}

/* ---- gradient_monitor, learning_rate_monitor ---- */

static double update_ratio[2] = {0.001, 0.001}, zeros[2];

static void step(struct subject *s, int64_t number, double a, double b)
{
    static const char *const name[] = {"conv.weight", "fc.weight"};
    static const char *const group[] = {"pg1", "pg2"};
    const double norm[3] = {a, b, sqrt(a * a + b * b)}, lr[2] = {0.1, 0.2};
    const double nonfinite[2] = {isfinite(a) ? 0 : 3, isfinite(b) ? 0 : 3};
    const struct run_view run = {.step = number,
                                 .norm = norm,
                                 .update_ratio = update_ratio,
                                 .zeros = zeros,
                                 .nonfinite = nonfinite,
                                 .parameters = 2,
                                 .parameter_name = name,
                                 .lr = lr,
                                 .groups = 2,
                                 .group_name = group,
                                 .optimizer_name = "adamw"};
    struct wishes wishes = {0};
    s->callback->on_step(s->self, &run, &wishes);
    wishes_release(&wishes);
}

static void gradients_are_watched(void **state)
{
    (void)state;
    struct subject s;
    said[0] = 0;
    assert_int_equal(make(&s, "{gradient_monitor: {every_n_steps: 2, threshold: 10}}"), LT_OK);
    step(&s, 1, 99, 1);
    assert_string_equal(said, "");
    step(&s, 2, 99, 1);
    assert_non_null(strstr(said, "norms@2;1@2 gradient norm 99 of conv.weight is above 10;"));
    said[0] = 0;
    step(&s, 4, 11, 1); /* still large: said already */
    step(&s, 6, 7, 1);  /* not yet below half */
    step(&s, 8, 11, 1);
    assert_null(strstr(said, "gradient"));
    said[0] = 0;
    step(&s, 10, 5, 1);
    assert_non_null(strstr(said, "0@10 the gradient norm of conv.weight is 5 again;"));
    said[0] = 0;
    step(&s, 11, 1, NAN); /* not due, but not finite */
    assert_non_null(strstr(said, "2@11 gradient of fc.weight is NaN, 3 of its values are not finite"));
    unmake(&s);
}

/* Values that swing around a bound are told once, and once more when they are back below half of it. */
static void warnings_do_not_flap(void **state)
{
    (void)state;
    struct subject s;
    assert_int_equal(make(&s, "{gradient_monitor: {every_n_steps: 1, max_update_ratio: 0.2, max_zeros: 0.8}}"), LT_OK);
    for (int i = 1; i < 20; i++) {
        said[0] = 0;
        update_ratio[1] = i % 2 ? 0.25 : 0.15;
        zeros[0] = i % 2 ? 0.85 : 0.5;
        step(&s, i, 1, 1);
        assert_true((strstr(said, "1@1 one update changed fc.weight by 0.25 of its norm, above 0.2:") != NULL) ==
                    (i == 1));
        assert_true((strstr(said, "1@1 85 % of the gradient of conv.weight is zero, above 80 %:") != NULL) == (i == 1));
        assert_true(i == 1 || !strstr(said, "conv.weight"));
    }
    update_ratio[1] = 0.1, zeros[0] = 0.4;
    said[0] = 0;
    step(&s, 20, 1, 1);
    assert_non_null(strstr(said, "0@20 the share that an update changes of fc.weight is 0.1 again;"));
    assert_non_null(strstr(said, "0@20 the share of zeros in the gradient of conv.weight is 0.4 again;"));
    zeros[0] = 0;
    unmake(&s);
}

static void rates_are_named_as_lightning_does(void **state)
{
    (void)state;
    struct subject s;
    said[0] = 0;
    assert_int_equal(make(&s, "learning_rate_monitor"), LT_OK);
    step(&s, 3, 1, 1);
    assert_string_equal(said, "lr-AdamW/pg1 3=0.1;lr-AdamW/pg2 3=0.2;");
    unmake(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(best_two_with_ties_and_nan),
        cmocka_unit_test(without_monitor_the_newest_stays),
        cmocka_unit_test(a_failed_save_keeps_the_old_one),
        cmocka_unit_test(existing_files_are_not_overwritten),
        cmocka_unit_test(wrong_templates),
        cmocka_unit_test(patience_counts_checks),
        cmocka_unit_test(gradients_are_watched),
        cmocka_unit_test(warnings_do_not_flap),
        cmocka_unit_test(rates_are_named_as_lightning_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
