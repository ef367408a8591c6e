#include "engine/checkpoint/protected.h"

#include "data/base/path.h"
#include "data/base/text.h"

#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 1 << 20 };

/* The list beside the checkpoint (caller frees). */
static char *list_of(const char *path)
{
    struct text list = {0};
    text_add(&list, "%.*s%s", (int)(path_name(path) - path), path, "protected");
    return text_detach(&list);
}

/* Appends the list without the line `name`; says whether it stood there. */
static enum lt_err read_without(struct text *out, bool *stood, const char *list, const char *name)
{
    char *bytes = NULL;
    size_t length;
    *stood = false;
    if (!path_exists(list)) return LT_OK;
    LT_TRY(path_read(&bytes, &length, list, LIST_MAX));
    for (char *line = bytes, *end; *line; line = end) {
        end = line + strcspn(line, "\n");
        if (*end) *end++ = 0;
        if (strcmp(line, name) == 0)
            *stood = true;
        else
            text_add(out, "%s\n", line);
    }
    free(bytes);
    return LT_OK;
}

static enum lt_err change(const char *path, bool add)
{
    struct text names = {0};
    char *list = list_of(path);
    bool stood;
    enum lt_err err = read_without(&names, &stood, list, path_name(path));
    if (err == LT_OK && !add && !stood) err = lt_fail(LT_EUSAGE, "%s is not protected", path_name(path));
    if (err == LT_OK && add) text_add(&names, "%s\n", path_name(path));
    if (err == LT_OK && add != stood) err = path_write_atomic(list, text_get(&names), names.length);
    text_release(&names);
    free(list);
    return err;
}

enum lt_err protected_add(const char *path)
{
    const char *name = path_name(path), *end = strrchr(name, '.');
    if (!end || strcmp(end, ".ckpt") != 0 || strchr(name, '\n') || !path_exists(path))
        return lt_fail(LT_EUSAGE, "there is no checkpoint %s", path);
    if (strcmp(name, "last.ckpt") == 0)
        return lt_fail(LT_EUSAGE, "last.ckpt is replaced at each save; write another with `checkpoint` and protect it");
    return change(path, true);
}

enum lt_err protected_remove(const char *path)
{
    return change(path, false);
}

bool protected_has(const char *path)
{
    struct text rest = {0};
    char *list = list_of(path);
    bool stood = false;
    /* Where the list cannot be read, nothing is thrown away. */
    if (read_without(&rest, &stood, list, path_name(path)) != LT_OK) stood = true;
    text_release(&rest);
    free(list);
    return stood;
}
