#include "engine/config/later.h"

#include <string.h>

/* A key and the values it may have now. */
struct limited {
    const char *key, *value;
    const char *allowed; /* "a|b" */
    const char *advice;
};

static bool is_allowed(const char *allowed, const char *value)
{
    for (const char *c = allowed; *c;) {
        size_t length = strcspn(c, "|");
        if (strlen(value) == length && strncmp(c, value, length) == 0) return true;
        c += length + (c[length] == '|');
    }
    return false;
}

static enum lt_err refuse(const struct config *config, const char *key, const char *what)
{
    const struct setting *at = setting_find(config->root, key);
    return at ? setting_fail(at, "%s", what) : lt_fail(LT_EUSAGE, "%s: %s", key, what);
}

static enum lt_err check_values(const struct config *config)
{
    const struct trainer_options *trainer = &config->trainer;
    const struct limited rows[] = {
        {"trainer.accelerator", trainer->accelerator, "auto|cpu",
         "training on a GPU is not available yet; use cpu or auto"},
        {"trainer.devices", trainer->devices, "auto|1",
         "more than one device is not available yet; use 1 (threads are trainer.num_threads)"},
        {"trainer.strategy", trainer->strategy, "auto|single",
         "this strategy is not available yet; use single or auto"},
        {"trainer.precision", trainer->precision, "32-true|32|bf16-mixed",
         "this precision is not available yet; use 32-true or bf16-mixed"},
        {"trainer.backend", trainer->backend, "cpu|reference", "there is no such backend; use cpu or reference"},
        {"trainer.nonfinite", trainer->nonfinite, "stop", "this policy is not available yet; use stop"},
        {"trainer.profiler", trainer->profiler ? trainer->profiler : "simple", "simple|advanced",
         "there is no such profiler; use simple, advanced or null"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!is_allowed(rows[i].allowed, rows[i].value)) return refuse(config, rows[i].key, rows[i].advice);
    return LT_OK;
}

static enum lt_err check_logger(const struct config *config)
{
    for (size_t i = 0; i < config->trainer.logger.count; i++)
        if (strcmp(config->trainer.logger.item[i], "hdf5") != 0)
            return refuse(config, "trainer.logger", "the only logger is hdf5 (run.h5)");
    return LT_OK;
}

static enum lt_err check_callbacks(const struct config *config)
{
    const struct setting *list = config->trainer.callbacks;
    for (size_t i = 0; list && list->kind == SETTING_SEQUENCE && i < list->count; i++) {
        const char *name;
        const struct setting *rest;
        LT_TRY(options_member(&name, &rest, list->child[i]));
        if (strcmp(name, "dynamic_batch_size") == 0)
            return setting_fail(list->child[i],
                                "dynamic_batch_size is not available yet; drop it and set data.batch_size");
    }
    return LT_OK;
}

enum lt_err refuse_what_comes_later(const struct config *config)
{
    const struct trainer_options *trainer = &config->trainer;
    LT_TRY(check_values(config));
    LT_TRY(check_logger(config));
    LT_TRY(check_callbacks(config));
    if (trainer->num_nodes != 1)
        return refuse(config, "trainer.num_nodes", "more than one machine is not available yet; use 1");
    if (trainer->overfit_batches)
        return refuse(config, "trainer.overfit_batches", "this is not available yet; use limit_train_batches");
    if (trainer->detect_anomaly)
        return refuse(config, "trainer.detect_anomaly",
                      "non-finite values are looked for at every step anyway; drop the key");
    if (!trainer->deterministic)
        return refuse(config, "trainer.deterministic", "a run is always deterministic; drop the key");
    return LT_OK;
}
