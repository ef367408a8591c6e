/* Paths and whole files: folders made with parents, files read whole or replaced atomically. Thread: any. */
#pragma once

#include "data/base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Returns "a/b" (caller frees); an absolute b gives b. */
char *path_join(const char *a, const char *b);

/* Lends the part after the last '/'. */
const char *path_name(const char *path);

bool path_exists(const char *path);
bool path_is_folder(const char *path);

/* Makes the folder and its parents; an existing folder is fine. */
enum lt_err path_make_folder(const char *path) LT_MUST_CHECK;

/* Reads a whole file of at most `limit` bytes; returns it NUL-terminated in *bytes (caller frees), length in *length.
 */
enum lt_err path_read(char **bytes, size_t *length, const char *path, size_t limit) LT_MUST_CHECK;

/* Replaces the file atomically: temporary file beside it, fsync, rename, fsync of the folder. On failure the old file
 * is untouched and no temporary file is left. */
enum lt_err path_write_atomic(const char *path, const void *bytes, size_t length) LT_MUST_CHECK;

/* The two halves of path_write_atomic for writers that stream. path_begin opens a temporary file beside `path` and
 * returns its descriptor and its name (caller frees); path_commit fsyncs, closes and renames it; path_abort closes and
 * removes it. Both take the descriptor and free the name. */
enum lt_err path_begin(int *fd, char **temporary, const char *path) LT_MUST_CHECK;
enum lt_err path_commit(int fd, char *temporary, const char *path) LT_MUST_CHECK;
void path_abort(int fd, char *temporary);

/* write(2) until all is written. */
enum lt_err path_write_all(int fd, const void *bytes, size_t length, const char *path) LT_MUST_CHECK;
