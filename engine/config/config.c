#include "engine/config/config.h"

#include "data/base/memory.h"
#include "engine/config/later.h"
#include "engine/config/tables.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- texts that stand for numbers ---- */

/* "auto" is 0; anything else a whole number of at least 1. */
static enum lt_err read_threads(struct trainer_options *trainer, const struct setting *where)
{
    char *end;
    const char *text = trainer->num_threads_text;
    if (strcmp(text, "auto") == 0) return LT_OK;
    trainer->num_threads = strtoll(text, &end, 10);
    if (end != text && !*end && trainer->num_threads >= 1 && trainer->num_threads <= 1024) return LT_OK;
    return setting_fail(where, "'%s' is not auto or a number of threads from 1 to 1024", text);
}

static enum lt_err read_fast_dev_run(struct trainer_options *trainer, const struct setting *where)
{
    char *end;
    const char *text = trainer->fast_dev_run_text;
    if (strcasecmp(text, "false") == 0) return LT_OK;
    if (strcasecmp(text, "true") == 0) {
        trainer->fast_dev_run = 1;
        return LT_OK;
    }
    trainer->fast_dev_run = strtoll(text, &end, 10);
    if (end != text && !*end && trainer->fast_dev_run >= 0) return LT_OK;
    return setting_fail(where, "'%s' is not false, true or a number of batches", text);
}

/* ---- sections ---- */

/* Lightning's rules for what is not said; a dry run overrides everything that would make it long. */
static void resolve_trainer(struct trainer_options *trainer)
{
    if (trainer->max_epochs < -1) trainer->max_epochs = trainer->max_steps < 0 && trainer->max_time <= 0 ? 1000 : -1;
    if (trainer->fast_dev_run <= 0) return;
    struct amount few = {.is_set = true, .count = trainer->fast_dev_run};
    trainer->limit_train_batches = trainer->limit_val_batches = few;
    trainer->limit_test_batches = trainer->limit_predict_batches = few;
    trainer->val_check_interval = (struct amount){.is_set = true, .is_fraction = true, .fraction = 1};
    trainer->max_epochs = 1;
    trainer->max_steps = -1;
    trainer->num_sanity_val_steps = 0;
    trainer->check_val_every_n_epoch = 1;
}

static enum lt_err read_trainer(struct config *self, const struct setting *mapping)
{
    struct trainer_options *trainer = &self->trainer;
    LT_TRY(options_bind(trainer, trainer_table, mapping));
    LT_TRY(read_threads(trainer, setting_find(self->root, "trainer.num_threads")));
    LT_TRY(read_fast_dev_run(trainer, setting_find(self->root, "trainer.fast_dev_run")));
    resolve_trainer(trainer);
    if (trainer->max_epochs < 0 && trainer->max_steps < 0 && trainer->max_time <= 0)
        return setting_fail(setting_find(self->root, "trainer.max_epochs"),
                            "-1 has no end; give max_steps or max_time, or a number of epochs");
    return LT_OK;
}

static enum lt_err read_data(struct config *self, const struct setting *mapping)
{
    struct data_options *data = &self->data;
    LT_TRY(options_bind(data, data_table, mapping));
    LT_TRY(options_bind(&data->split, split_table, data->split_setting));
    if (data->split.train + data->split.val > 1 + 1e-9)
        return setting_fail(data->split_setting, "train %g and val %g are more than everything together",
                            data->split.train, data->split.val);
    if (data->val_dir && !data->train_dir)
        return setting_fail(setting_get(mapping, "val_dir"),
                            "val_dir needs train_dir; or give data_dir alone, cut by split");
    if (data->data_dir && data->train_dir)
        return setting_fail(setting_get(mapping, "train_dir"), "data_dir and train_dir exclude each other; keep one");
    return LT_OK;
}

static enum lt_err read_sections(struct config *self)
{
    struct root_options root;
    LT_TRY(options_bind(&root, root_table, self->root));
    self->seed = root.seed;
    self->run_name = root.run_name;
    LT_TRY(read_trainer(self, root.trainer));
    if (setting_is_null(root.model))
        return lt_fail(LT_EUSAGE, "%s: the section model is missing: say at least model: {name: efficientnet_b0}",
                       self->root->file);
    LT_TRY(options_bind(&self->model, model_table, root.model));
    LT_TRY(read_data(self, root.data));
    LT_TRY(options_bind(&self->metrics, metrics_table, root.metrics));
    LT_TRY(optimizer_read(&self->optimizer, root.optimizer));
    LT_TRY(lr_policy_read(&self->lr, root.lr_scheduler));
    if (!self->run_name) self->run_name = memory_text(self->model.name);
    if (strchr(self->run_name, '/') || self->run_name[0] == '.')
        return setting_fail(setting_get(self->root, "run_name"), "'%s' cannot be a folder's name", self->run_name);
    return refuse_what_comes_later(self);
}

/* ---- reading ---- */

static enum lt_err start(struct config **out)
{
    struct config *self = memory_new(1, sizeof *self);
    enum lt_err err = setting_parse(&self->root, config_defaults, "default");
    if (err == LT_OK)
        *out = self;
    else
        config_free(self);
    return err;
}

/* Another optimizer or schedule does not inherit the keys of the one before. */
static enum lt_err forget_other(struct setting *root, const struct setting *over)
{
    static const char *const sections[] = {"optimizer", "lr_scheduler"};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        const struct setting *now = setting_get(setting_get(over, sections[i]), "name"),
                             *before = setting_get(setting_get(root, sections[i]), "name");
        if (!now || !before || now->kind != SETTING_SCALAR || before->kind != SETTING_SCALAR) continue;
        if (strcmp(now->scalar, before->scalar) != 0) LT_TRY(setting_override(root, sections[i], "null"));
    }
    return LT_OK;
}

static enum lt_err merge(struct config *self, struct setting *over)
{
    if (over->kind == SETTING_MAPPING && forget_other(self->root, over) == LT_OK) {
        setting_merge(self->root, over);
        return LT_OK;
    }
    enum lt_err err = setting_fail(over, "a configuration is a mapping (trainer: …, model: …, data: …)");
    setting_free(over);
    return err;
}

static enum lt_err override_all(struct config *self, char *const *override, size_t overrides)
{
    for (size_t i = 0; i < overrides; i++) {
        struct setting *over;
        LT_TRY(setting_parse(&over, "", "command line"));
        enum lt_err err = setting_override(over, override[2 * i], override[2 * i + 1]);
        if (err == LT_OK)
            err = merge(self, over);
        else
            setting_free(over);
        if (err != LT_OK) return err;
    }
    return LT_OK;
}

static enum lt_err finish(struct config **out, struct config *self, enum lt_err err)
{
    if (err == LT_OK) err = read_sections(self);
    if (err == LT_OK)
        *out = self;
    else
        config_free(self);
    return err;
}

enum lt_err config_read(struct config **out, char *const *file, size_t files, char *const *override, size_t overrides)
{
    struct config *self;
    LT_TRY(start(&self));
    enum lt_err err = LT_OK;
    for (size_t i = 0; err == LT_OK && i < files; i++) {
        struct setting *over;
        err = setting_read(&over, file[i]);
        if (err == LT_OK) err = merge(self, over);
    }
    if (err == LT_OK) err = override_all(self, override, overrides);
    return finish(out, self, err);
}

enum lt_err config_parse(struct config **out, const char *yaml, const char *name, char *const *override,
                         size_t overrides)
{
    struct config *self;
    struct setting *over;
    LT_TRY(start(&self));
    enum lt_err err = setting_parse(&over, yaml, name);
    if (err == LT_OK) err = merge(self, over);
    if (err == LT_OK) err = override_all(self, override, overrides);
    return finish(out, self, err);
}

void config_free(struct config *self)
{
    if (!self) return;
    options_release(&self->trainer, trainer_table);
    options_release(&self->model, model_table);
    options_release(&self->data, data_table);
    if (self->optimizer.optimizer) optimizer_release(&self->optimizer);
    lr_policy_release(&self->lr);
    free(self->run_name);
    setting_free(self->root);
    free(self);
}

/* ---- writing ---- */

void config_write(struct text *out, const struct config *self)
{
    text_add(out, "seed_everything: %lld\nrun_name: \"%s\"\ntrainer:\n", (long long)self->seed, self->run_name);
    options_write(out, &self->trainer, trainer_table, 2);
    text_add(out, "model:\n");
    options_write(out, &self->model, model_table, 2);
    text_add(out, "optimizer:\n");
    optimizer_write(out, &self->optimizer, 2);
    text_add(out, "lr_scheduler:\n");
    lr_policy_write(out, &self->lr, 2);
    text_add(out, "metrics:\n");
    options_write(out, &self->metrics, metrics_table, 2);
    text_add(out, "data:\n");
    options_write(out, &self->data, data_table, 2);
}

void config_help(struct text *out)
{
    static const struct {
        const char *section;
        const struct option_table *table;
    } sections[] = {{"", &root_table},           {"trainer", &trainer_table}, {"model", &model_table},
                    {"metrics", &metrics_table}, {"data", &data_table},       {"data.split", &split_table}};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        if (sections[i].section[0]) text_add(out, "%s:\n", sections[i].section);
        options_help(out, *sections[i].table, sections[i].section[0] ? 2 : 0);
    }
}
