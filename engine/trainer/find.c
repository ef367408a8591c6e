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

enum lt_err run_find_checkpoint(char **checkpoint, char **folder, const char *what, const char *which, const char *root)
{
    *checkpoint = *folder = NULL;
    if (path_exists(what) && !path_is_folder(what)) {
        *checkpoint = memory_text(what);
        *folder = folder_of(what);
        return LT_OK;
    }
    char *below = path_join(root, what);
    const char *run = path_is_folder(what) ? what : path_is_folder(below) ? below : NULL;
    char *newest = run ? newest_version(run) : NULL;
    if (newest) run = newest;
    enum lt_err err;
    if (!run)
        err = lt_fail(LT_ENOTFOUND, "there is no checkpoint and no run '%s' (nor %s); `lathe runs` lists them", what,
                      below);
    else
        err = find_in_run(checkpoint, run, which);
    if (err == LT_OK) *folder = memory_text(run);
    free(newest);
    free(below);
    return err;
}

enum lt_err run_config_of(struct config **config, const char *checkpoint, char *const *override, size_t overrides)
{
    json_t *state;
    LT_TRY(checkpoint_state(&state, checkpoint));
    const char *yaml = json_string_value(json_object_get(state, "config"));
    enum lt_err err = yaml ? config_parse(config, yaml, checkpoint, override, overrides)
                           : lt_fail(LT_EFORMAT, "%s holds no configuration; give one with -c", checkpoint);
    json_decref(state);
    return err;
}
