#include "engine/log/runtime.h"

#include "data/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <xxhash.h>

/* $XDG_RUNTIME_DIR/lathe, else /tmp/lathe-UID. */
static void name_folder(struct text *folder)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (runtime && runtime[0] == '/')
        text_add(folder, "%s/lathe", runtime);
    else
        text_add(folder, "/tmp/lathe-%ld", (long)getuid());
}

static enum lt_err make_private(const char *folder)
{
    struct stat st;
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) return lt_fail_errno("make the folder", folder);
    if (lstat(folder, &st) != 0) return lt_fail_errno("look at", folder);
    if (!S_ISDIR(st.st_mode) || st.st_uid != getuid() || (st.st_mode & 077))
        return lt_fail(LT_EIO, "%s is not a folder of yours alone (mode 0700); remove it or set XDG_RUNTIME_DIR",
                       folder);
    return LT_OK;
}

enum lt_err runtime_socket_path(char **path, const char *run_folder)
{
    struct text text = {0};
    char *absolute = realpath(run_folder, NULL);
    if (!absolute) return lt_fail_errno("find", run_folder);
    name_folder(&text);
    enum lt_err err = make_private(text_get(&text));
    text_add(&text, "/%016" PRIx64 ".sock", XXH3_64bits(absolute, strlen(absolute)));
    if (err == LT_OK && text.length >= sizeof((struct sockaddr_un *)0)->sun_path)
        err = lt_fail(LT_EIO, "%s is too long for a socket's name; set XDG_RUNTIME_DIR to a shorter folder",
                      text_get(&text));
    free(absolute);
    if (err == LT_OK) *path = text_detach(&text);
    text_release(&text);
    return err;
}
