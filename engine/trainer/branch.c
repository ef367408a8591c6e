#include "engine/trainer/branch.h"

#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/base/text.h"
#include "engine/log/wire.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is another than it was ---- */

/* A setting as one line of YAML; "none" where there is none. */
static char *value_of(const struct setting *self)
{
    struct text text = {0};
    if (!self) return memory_text("none");
    setting_write(&text, self);
    char *value = text_detach(&text);
    for (char *c = value; *c; c++)
        if (*c == '\n') *c = c[1] ? ' ' : 0;
    return value;
}

static void add_change(json_t *changed, const char *key, const struct setting *before, const struct setting *now)
{
    char *was = value_of(before), *is = value_of(now);
    if (strcmp(was, is) != 0)
        json_array_append_new(changed, json_pack("{s:o, s:o, s:o}", "key", wire_text(key), "before", wire_text(was),
                                                 "now", wire_text(is)));
    free(was);
    free(is);
}

/* Mappings key by key, anything else as a whole. */
static void compare(json_t *changed, const char *path, const struct setting *before, const struct setting *now)
{
    const struct setting *either = now ? now : before;
    if (either->kind != SETTING_MAPPING || (before && now && before->kind != now->kind)) {
        add_change(changed, path, before, now);
        return;
    }
    for (int pass = 0; pass < 2; pass++) { /* keys that are there now, then those that are gone */
        const struct setting *mapping = pass ? before : now, *other = pass ? now : before;
        for (size_t i = 0; mapping && i < mapping->count; i++) {
            const struct setting *child = mapping->child[i], *twin = setting_get(other, child->key);
            struct text key = {0};
            if (pass && twin) continue;
            text_add(&key, "%s%s%s", path, *path ? "." : "", child->key);
            compare(changed, text_get(&key), pass ? child : twin, pass ? NULL : child);
            text_release(&key);
        }
    }
}

/* A resolved configuration as a tree: every key is there. */
static enum lt_err tree_of(struct setting **root, const struct config *config)
{
    struct text yaml = {0};
    config_write(&yaml, config);
    enum lt_err err = setting_parse(root, text_get(&yaml), "config.yaml");
    text_release(&yaml);
    return err;
}

static enum lt_err find_changes(json_t *changed, const struct run *run)
{
    struct config *config;
    struct setting *before = NULL, *now = NULL;
    LT_TRY(run_config_of(&config, run->resume_path, NULL, 0));
    enum lt_err err = tree_of(&before, config);
    if (err == LT_OK) err = tree_of(&now, run->config);
    if (err == LT_OK) compare(changed, "", before, now);
    setting_free(before);
    setting_free(now);
    config_free(config);
    return err;
}

/* ---- what may not be ---- */

static bool is_below(const char *key, const char *prefix)
{
    const size_t length = strlen(prefix);
    return strncmp(key, prefix, length) == 0 && (key[length] == 0 || key[length] == '.');
}

bool branch_changes(const struct run *run, const char *key)
{
    size_t i;
    json_t *change;
    json_array_foreach(json_object_get(run->branch, "changed"), i, change)
    {
        if (is_below(json_string_value(json_object_get(change, "key")), key)) return true;
    }
    return false;
}

static const struct {
    const char *key;
    bool inside; /* only where the checkpoint stands inside an epoch */
    const char *why;
} fixed[] = {
    {"model.name", false, "the weights belong to that model; start anew with model.weights: CHECKPOINT"},
    {"model.num_classes", false, "the weights belong to those classes; start anew with model.weights: CHECKPOINT"},
    {"model.weights", false, "a branch starts with the weights of its checkpoint; drop the key"},
    {"model.freeze", false,
     "the optimizer knows what it trained and nothing else; start anew with model.weights: CHECKPOINT"},
    {"optimizer.name", false, "the checkpoint holds its states; start anew with model.weights: CHECKPOINT"},
    {"seed_everything", true, NULL},
    {"data.batch_size", true, NULL},
    {"data.drop_last", true, NULL},
    {"data.shuffle", true, NULL},
    {"data.split", true, NULL},
    {"metrics.train", true, NULL},
    {"trainer.limit_train_batches", true, NULL},
    {"trainer.accumulate_grad_batches", true, NULL},
};

static enum lt_err check_fixed(const struct run *run, int64_t batch)
{
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        if (!branch_changes(run, fixed[i].key) || (fixed[i].inside && batch == 0)) continue;
        if (!fixed[i].inside)
            return lt_fail(LT_EUSAGE, "%s: a branch cannot change it: %s", fixed[i].key, fixed[i].why);
        return lt_fail(LT_EUSAGE,
                       "%s: %s stands inside an epoch, at batch %" PRId64 ", and the rest of the epoch hangs on it; "
                       "branch from a checkpoint of an epoch's end, or leave it",
                       fixed[i].key, run->resume_path, batch);
    }
    return LT_OK;
}

/* A folder that both runs write to would lose the old one's last.ckpt. */
static enum lt_err check_folders(const struct run *run)
{
    const struct setting *list = run->config->trainer.callbacks;
    if (branch_changes(run, "trainer.callbacks")) return LT_OK;
    for (size_t i = 0; list && i < list->count; i++) {
        const char *name;
        const struct setting *rest;
        LT_TRY(options_member(&name, &rest, list->child[i]));
        const struct setting *folder = setting_get(rest, "dirpath");
        if (setting_is_null(folder)) continue;
        return setting_fail(folder,
                            "a branch must not write into the checkpoints of its parent; give trainer.callbacks with "
                            "another dirpath, or none");
    }
    return LT_OK;
}

/* A branch that trains nothing would be a folder without a checkpoint. */
static enum lt_err check_end(const struct run *run, int64_t step, int64_t epoch)
{
    const char *key = end_at(&run->config->trainer, step, epoch);
    if (!key) return LT_OK;
    return lt_fail(LT_EUSAGE,
                   "%s: nothing is left to train: %s stands at step %" PRId64 ", after %" PRId64
                   " epochs; raise it, or branch from an earlier checkpoint",
                   key, run->resume_path, step, epoch);
}

enum lt_err branch_prepare(struct run *run)
{
    const json_t *position = json_object_get(run->resume, "position");
    if (!json_is_object(position))
        return lt_fail(LT_EUSAGE, "%s holds weights but no position of a run; use it as model.weights",
                       run->resume_path);
    const int64_t batch = json_integer_value(json_object_get(position, "batch")),
                  step = json_integer_value(json_object_get(position, "global_step")),
                  epoch = json_integer_value(json_object_get(position, "epoch"));
    json_t *changed = json_array();
    char *path = realpath(run->resume_path, NULL);
    run->branch = json_pack("{s:o, s:I, s:I, s:o}", "checkpoint", wire_text(path ? path : run->resume_path), "step",
                            step, "epoch", epoch, "changed", changed);
    free(path);
    LT_TRY(find_changes(changed, run));
    LT_TRY(check_fixed(run, batch));
    LT_TRY(check_folders(run));
    return check_end(run, step, epoch);
}

/* ---- telling ---- */

void branch_tell(const struct run *run)
{
    struct text changes = {0};
    size_t i;
    json_t *change;
    json_array_foreach(json_object_get(run->branch, "changed"), i, change)
    {
        text_add(&changes, "%s%s %.40s -> %.40s", i ? ", " : "", json_string_value(json_object_get(change, "key")),
                 json_string_value(json_object_get(change, "before")),
                 json_string_value(json_object_get(change, "now")));
    }
    log_event(run->log, EVENT_START, LEVEL_INFO, run->at.step, "branched at step %" PRId64 "; %s%s; from %s",
              run->at.step, changes.length ? "changed: " : "nothing is changed", text_get(&changes), run->resume_path);
    text_release(&changes);
    log_document(run->log, "branch", json_deep_copy(run->branch));
}
