#include "tui/user_folder.h"

#include "data/base/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char *user_folder_path(const char *name)
{
    const char *configuration = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    char *parent = NULL;
    if (configuration && configuration[0] == '/') /* a relative one is to be ignored, says the XDG specification */
        parent = path_join(configuration, "lathe");
    else if (home && home[0] == '/')
        parent = path_join(home, ".config/lathe");
    char *path = parent ? path_join(parent, name) : NULL;
    free(parent);
    return path;
}

enum lt_err user_file_read(char **text, size_t *length, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR ? lt_fail(LT_ENOTFOUND, "there is no file %s", path)
                                                   : lt_fail_errno("open", path);
    if (!S_ISREG(st.st_mode)) return lt_fail(LT_EFORMAT, "%s is no file of text", path); /* a pipe would block */
    LT_TRY(path_read(text, length, path, USER_FILE_MAX));
    if (strlen(*text) == *length) return LT_OK;
    free(*text);
    *text = NULL;
    return lt_fail(LT_EFORMAT, "%s is no file of text: it has a NUL byte in it", path);
}
