/* What a person keeps for lathe: $XDG_CONFIG_HOME/lathe, by default ~/.config/lathe. Thread: any. */
#pragma once

#include "data/base/err.h"

#include <stddef.h>

enum { USER_FILE_MAX = 64 << 10 }; /* bytes; themes and settings are small */

/* Returns the path of `name` in the folder (caller frees), NULL when there is no home to look in. */
char *user_folder_path(const char *name);

/* Reads a small text file whole, NUL-terminated (caller frees). What is no regular file, is larger than USER_FILE_MAX
 * or has a NUL byte in it is refused; a file that is not there is LT_ENOTFOUND. */
enum lt_err user_file_read(char **text, size_t *length, const char *path) LT_MUST_CHECK;
