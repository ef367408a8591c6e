/* A setting: one node of a configuration tree read from YAML, with the place it came from. Mappings and sequences own
 * their children; the root owns everything. Plain scalars keep their text: what `1e-3`, `on` or `no` mean is decided by
 * the option that reads them (options.h), so YAML 1.1's surprises do not exist here.
 * Thread: one at a time while building; read-only afterwards from any. */
#pragma once

#include "data/base/err.h"
#include "data/base/text.h"

#include <stdbool.h>
#include <stddef.h>

enum setting_kind { SETTING_SCALAR, SETTING_SEQUENCE, SETTING_MAPPING };

struct setting {
    enum setting_kind kind;
    char *key;              /* its key in the mapping above, NULL in sequences and at the root */
    char *scalar;           /* SETTING_SCALAR: the text as written; "" for an empty value */
    bool quoted;            /* the scalar stood in quotes: it is text, never null, a number or a bool */
    const char *file;       /* where it was written: a file's name, "command line" or "default"; lent by the root */
    int line;               /* 1-based; 0 where lines mean nothing */
    struct setting **child; /* SETTING_SEQUENCE, SETTING_MAPPING */
    size_t count, capacity;
    struct setting *parent; /* NULL at the root */
};

/* Reads a YAML file (at most 1 MiB, 64 levels, no anchors or tags: each refused with file:line). An empty file is an
 * empty mapping. Duplicate keys in one mapping are an error. Returns the root in *root (caller frees). */
enum lt_err setting_read(struct setting **root, const char *path) LT_MUST_CHECK;

/* The same for text; `file` is the name to say in errors. */
enum lt_err setting_parse(struct setting **root, const char *text, const char *file) LT_MUST_CHECK;

void setting_free(struct setting *root);

/* Lends the child named `key` of a mapping; NULL when absent or when self is NULL or no mapping. */
const struct setting *setting_get(const struct setting *self, const char *key);

/* Lends the setting at a dotted path ("trainer.max_epochs"); NULL when absent. */
const struct setting *setting_find(const struct setting *root, const char *dotted);

/* True for `null`, `~`, an empty value, or self == NULL. */
bool setting_is_null(const struct setting *self);

/* Merges `over` onto `base`: mappings key by key, everything else replaced; places are the newest. Takes `over`. */
void setting_merge(struct setting *base, struct setting *over);

/* Sets the value at a dotted path from YAML text, making mappings on the way ("optimizer.lr", "3e-4"). */
enum lt_err setting_override(struct setting *root, const char *dotted, const char *value) LT_MUST_CHECK;

/* Returns a deep copy (caller frees). */
struct setting *setting_copy(const struct setting *self);

/* Writes the tree as YAML that setting_parse reads back to the same tree. */
void setting_write(struct text *out, const struct setting *self);

/* lt_fail(LT_EUSAGE, …) with "file:line: dotted.path: " in front. */
enum lt_err setting_fail(const struct setting *self, const char *format, ...) LT_PRINTF(2, 3);
