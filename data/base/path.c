#include "data/base/path.h"

#include "data/base/memory.h"
#include "data/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *path_join(const char *a, const char *b)
{
    struct text text = {0};
    if (b[0] == '/' || !a[0])
        text_add(&text, "%s", b);
    else
        text_add(&text, "%s%s%s", a, a[strlen(a) - 1] == '/' ? "" : "/", b);
    return text_detach(&text);
}

const char *path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool path_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool path_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

enum lt_err path_make_folder(const char *path)
{
    char *copy = memory_text(path);
    enum lt_err err = LT_OK;
    for (char *p = copy + 1; err == LT_OK && *p; p++) {
        if (*p != '/') continue;
        *p = 0;
        if (mkdir(copy, 0777) != 0 && errno != EEXIST) err = lt_fail_errno("make the folder", copy);
        *p = '/';
    }
    if (err == LT_OK && mkdir(copy, 0777) != 0 && (errno != EEXIST || !path_is_folder(copy)))
        err = lt_fail_errno("make the folder", copy);
    free(copy);
    return err;
}

enum lt_err path_read(char **bytes, size_t *length, const char *path, size_t limit)
{
    FILE *file = fopen(path, "rbe");
    if (!file) return lt_fail_errno("open", path);
    enum lt_err err = LT_OK;
    struct text text = {0};
    char block[65536];
    size_t got;
    while ((got = fread(block, 1, sizeof block, file)) > 0) {
        if (text.length + got > limit) {
            err = lt_fail(LT_EFORMAT, "%s is larger than the %zu bytes allowed here", path, limit);
            break;
        }
        text_add_bytes(&text, block, got);
    }
    if (err == LT_OK && ferror(file)) err = lt_fail_errno("read", path);
    fclose(file);
    if (err == LT_OK) {
        *length = text.length;
        *bytes = text_detach(&text);
    }
    text_release(&text);
    return err;
}

enum lt_err path_write_all(int fd, const void *bytes, size_t length, const char *path)
{
    const char *next = bytes;
    while (length > 0) {
        ssize_t wrote = write(fd, next, length);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return lt_fail_errno("write", path);
        next += wrote;
        length -= (size_t)wrote;
    }
    return LT_OK;
}

enum lt_err path_begin(int *fd, char **temporary, const char *path)
{
    struct text name = {0};
    text_add(&name, "%s.tmp%ld", path, (long)getpid());
    *temporary = text_detach(&name);
    *fd = open(*temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (*fd >= 0) return LT_OK;
    enum lt_err err = lt_fail_errno("create", *temporary);
    free(*temporary);
    *temporary = NULL;
    return err;
}

static enum lt_err sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : memory_text(".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum lt_err err = fd < 0 || (fsync(fd) != 0 && errno != EINVAL) ? lt_fail_errno("sync", folder) : LT_OK;
    if (fd >= 0) close(fd);
    free(folder);
    return err;
}

enum lt_err path_commit(int fd, char *temporary, const char *path)
{
    if (fsync(fd) != 0) {
        enum lt_err err = lt_fail_errno("sync", temporary);
        path_abort(fd, temporary);
        return err;
    }
    if (close(fd) != 0 || rename(temporary, path) != 0) {
        enum lt_err err = lt_fail_errno("replace", path);
        unlink(temporary);
        free(temporary);
        return err;
    }
    free(temporary);
    return sync_folder(path);
}

void path_abort(int fd, char *temporary)
{
    close(fd);
    unlink(temporary);
    free(temporary);
}

enum lt_err path_write_atomic(const char *path, const void *bytes, size_t length)
{
    int fd;
    char *temporary;
    LT_TRY(path_begin(&fd, &temporary, path));
    enum lt_err err = path_write_all(fd, bytes, length, path);
    if (err == LT_OK) return path_commit(fd, temporary, path);
    path_abort(fd, temporary);
    return err;
}
