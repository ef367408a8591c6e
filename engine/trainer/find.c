/* Which checkpoint a person means. */
#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/base/text.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/engine.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The run folder that a checkpoint lies in: RUN/checkpoints/NAME.ckpt; NULL for a loose file. */
static char *folder_of(const char *checkpoint)
{
    char *folder = memory_text(checkpoint);
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(folder, '/');
        if (!slash || (up == 0 && (slash - folder < 11 || strncmp(slash - 11, "checkpoints", 11) != 0))) {
            free(folder);
            return NULL;
        }
        *slash = 0;
    }
    struct text log = {0};
    text_add(&log, "%s/config.yaml", folder);
    bool is_run = path_exists(text_get(&log));
    text_release(&log);
    if (is_run) return folder;
    free(folder);
    return NULL;
}

/* The path of the best checkpoint, as the last one remembers it. */
static enum lt_err find_best(char **checkpoint, const char *last, const char *folder)
{
    json_t *state;
    LT_TRY(checkpoint_state(&state, last));
    const char *path = NULL;
    size_t index;
    json_t *callback;
    json_array_foreach(json_object_get(state, "callbacks"), index, callback)
    {
        const json_t *best = json_object_get(json_object_get(callback, "state"), "best_model_path");
        if (json_is_string(best) && json_string_length(best)) path = json_string_value(best);
    }
    enum lt_err err = LT_OK;
    struct text text = {0};
    if (path) text_add(&text, "%s/checkpoints/%s", folder, path_name(path));
    if (!path || !path_exists(text_get(&text)))
        err = lt_fail(LT_ENOTFOUND,
                      "%s has no best checkpoint yet (model_checkpoint needs a monitor and one validation); use last",
                      folder);
    else
        *checkpoint = text_detach(&text);
    text_release(&text);
    json_decref(state);
    return err;
}

/* "cnn" stands for its newest version: the folder below it with the largest N of version_N; NULL when there is none. */
static char *newest_version(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    long newest = -1;
    while (dir && (entry = readdir(dir)) != NULL) {
        long number;
        char more;
        if (sscanf(entry->d_name, "version_%ld%c", &number, &more) == 1 && number > newest) newest = number;
    }
    if (dir) closedir(dir);
    struct text path = {0};
    if (newest >= 0) text_add(&path, "%s/version_%ld", folder, newest);
    return newest >= 0 ? text_detach(&path) : NULL;
}

/* The run that a person means: a folder, or one below the root; of several versions the newest. NULL: none. */
static char *find_run(const char *what, const char *root)
{
    char *below = path_join(root, what);
    const char *run = path_is_folder(what) ? what : path_is_folder(below) ? below : NULL;
    char *newest = run ? newest_version(run) : NULL;
    char *found = newest ? newest : memory_text(run);
    free(below);
    return found;
}

static enum lt_err find_in_run(char **checkpoint, const char *folder, const char *which)
{
    struct text last = {0};
    text_add(&last, "%s/checkpoints/last.ckpt", folder);
    enum lt_err err = LT_OK;
    if (!path_exists(text_get(&last)))
        err = lt_fail(LT_ENOTFOUND, "%s has no checkpoint: there is no %s", folder, text_get(&last));
    else if (which && strcmp(which, "best") == 0)
        err = find_best(checkpoint, text_get(&last), folder);
    else
        *checkpoint = text_detach(&last);
    text_release(&last);
    return err;
}

/* The file NAME or NAME.ckpt among a run's checkpoints. */
static enum lt_err find_file(char **checkpoint, const char *folder, const char *name)
{
    struct text path = {0};
    text_add(&path, "%s/checkpoints/%s", folder, name);
    if (!path_exists(text_get(&path))) text_add(&path, ".ckpt");
    enum lt_err err = LT_OK;
    if (path_exists(text_get(&path)))
        *checkpoint = text_detach(&path);
    else
        err = lt_fail(LT_ENOTFOUND, "%s has no checkpoint '%s'; there are best, last and the files in %s/checkpoints",
                      folder, name, folder);
    text_release(&path);
    return err;
}

/* RUN/CHECKPOINT, or nothing that is known. */
static enum lt_err find_both(char **checkpoint, char **folder, const char *what, const char *root)
{
    char *name = memory_text(what), *slash = strrchr(name, '/');
    if (slash) *slash = 0;
    char *run = slash ? find_run(name, root) : NULL;
    enum lt_err err;
    if (!run)
        err = lt_fail(LT_ENOTFOUND, "there is no checkpoint and no run '%s' (nor %s/%s); `lathe runs` lists them", what,
                      root, what);
    else if (strcmp(slash + 1, "best") == 0 || strcmp(slash + 1, "last") == 0)
        err = find_in_run(checkpoint, run, slash + 1);
    else
        err = find_file(checkpoint, run, slash + 1);
    if (err == LT_OK)
        *folder = run;
    else
        free(run);
    free(name);
    return err;
}

enum lt_err run_find_checkpoint(char **checkpoint, char **folder, const char *what, const char *which, const char *root)
{
    *checkpoint = *folder = NULL;
    if (path_exists(what) && !path_is_folder(what)) {
        *checkpoint = memory_text(what);
        *folder = folder_of(what);
        return LT_OK;
    }
    char *run = find_run(what, root);
    if (!run) return find_both(checkpoint, folder, what, root);
    enum lt_err err = find_in_run(checkpoint, run, which);
    if (err == LT_OK)
        *folder = run;
    else
        free(run);
    return err;
}

/* Pairs for config_parse: what was set while the run went on, then the overrides. All texts are lent. */
static char **with_settings(const json_t *settings, char *const *override, size_t overrides, size_t *pairs)
{
    static const char section[] = "trainer.";
    char **pair = memory_new(2 * (json_object_size(settings) + overrides) + 1, sizeof *pair);
    const char *name;
    json_t *values;
    *pairs = 0;
    json_object_foreach((json_t *)settings, name, values)
    {
        const char *now = json_string_value(json_array_get(values, json_array_size(values) - 1));
        if (!now || strncmp(name, section, strlen(section)) != 0) continue;
        pair[2 * *pairs] = (char *)name;
        pair[2 * (*pairs)++ + 1] = (char *)now;
    }
    for (size_t i = 0; i < 2 * overrides; i++) pair[2 * *pairs + i] = override[i];
    *pairs += overrides;
    return pair;
}

enum lt_err run_config_of(struct config **config, const char *checkpoint, char *const *override, size_t overrides)
{
    json_t *state;
    LT_TRY(checkpoint_state(&state, checkpoint));
    const char *yaml = json_string_value(json_object_get(state, "config"));
    size_t pairs;
    char **pair = with_settings(json_object_get(state, "settings"), override, overrides, &pairs);
    enum lt_err err = yaml ? config_parse(config, yaml, checkpoint, pair, pairs)
                           : lt_fail(LT_EFORMAT, "%s holds no configuration; give one with -c", checkpoint);
    free(pair);
    json_decref(state);
    return err;
}
