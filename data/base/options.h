/* Options are rows: the component that reads an option owns its table. One table gives the strict reading of a mapping
 * (unknown key, wrong type, impossible value: an error with file:line and the nearest key), the defaults, the resolved
 * configuration and the help. A struct bound by options_bind is zero-initialised-releasable and is released with
 * options_release. Thread: any. */
#pragma once

#include "data/base/err.h"
#include "data/base/setting.h"
#include "data/base/text.h"

#include <stddef.h>
#include <stdint.h>

enum option_type {
    OPTION_BOOL,     /* bool: true/false */
    OPTION_INT,      /* int64_t */
    OPTION_REAL,     /* double */
    OPTION_TEXT,     /* char * (owned); null gives NULL */
    OPTION_CHOICE,   /* int: index into `choices` ("a|b|c") */
    OPTION_AMOUNT,   /* struct amount: a count (2) or a fraction (0.5); 1 is one, 1.0 is all */
    OPTION_DURATION, /* double seconds: "10 min", "90 s", "2 h", "00:12:00:00" (DD:HH:MM:SS) */
    OPTION_REALS,    /* struct reals: a list of numbers, or one number */
    OPTION_TEXTS,    /* struct texts: a list of strings, or one string */
    OPTION_SETTING /* const struct setting * (lent): the subtree itself, read later by its own table; NULL when null */
};

struct amount {
    bool is_set, is_fraction;
    int64_t count;
    double fraction;
};

/* The amount of `whole`: min(count, whole), or int(whole * fraction) as Lightning's limit_*_batches; all when not set.
 */
int64_t amount_of(struct amount amount, int64_t whole);

struct reals {
    double *item;
    size_t count;
};

struct texts {
    char **item;
    size_t count;
};

struct option {
    const char *key;
    enum option_type type;
    size_t offset;       /* of the field in the bound struct */
    const char *initial; /* the default as YAML text; NULL = the key is required */
    double min, max;     /* inclusive bounds of numbers (every item of a list); both 0 = none */
    bool open_min;       /* min itself is not allowed */
    bool nullable; /* `null` is allowed: INT and REAL fields are then followed by nothing, so it needs `null_value` */
    double null_value;   /* what an INT or REAL field gets for null */
    const char *choices; /* OPTION_CHOICE: "a|b|c" */
    const char *unit;
    const char *help; /* one sentence */
};

struct option_table {
    const struct option *row;
    size_t count;
};

#define OPTION_TABLE(rows) ((struct option_table){(rows), sizeof(rows) / sizeof((rows)[0])})

/* Fills *out (zeroed first) from a mapping; NULL or null mapping = all defaults. Keys of the mapping without a row are
 * an error that names the nearest row. */
enum lt_err options_bind(void *out, struct option_table table, const struct setting *mapping) LT_MUST_CHECK;
void options_release(void *bound, struct option_table table);

/* A family member in a list is written `name`, `{name: scalar-or-list}` or `{name: {key: value…}}`. Gives the member's
 * name (lent) and binds the rest: a scalar or list goes to the table's first row. For a mapping {name: NAME, key:
 * value…} (optimizer, model, data) options_name_of reads NAME and options_bind_named ignores the `name` key. */
enum lt_err options_member(const char **name, const struct setting **rest, const struct setting *self) LT_MUST_CHECK;
enum lt_err options_bind_member(void *out, struct option_table table, const struct setting *self,
                                const struct setting *rest) LT_MUST_CHECK;
enum lt_err options_bind_named(void *out, struct option_table table, const struct setting *mapping) LT_MUST_CHECK;

/* One row of a bound table whose value owns nothing (numbers, amounts, durations): set from YAML text, *bound unchanged
 * on LT_EUSAGE; and written as YAML. The key must be a row of the table. */
enum lt_err options_set(void *bound, struct option_table table, const char *key, const char *value) LT_MUST_CHECK;
void options_write_value(struct text *out, const void *bound, struct option_table table, const char *key);

/* Lends the row of a key; NULL when there is none. */
const struct option *options_row(struct option_table table, const char *key);

/* The candidate nearest to `word` by edit distance, or NULL when none is near enough to suggest. */
const char *options_nearest(const char *word, const char *const *candidate, size_t count);

/* Appends the bound values as YAML (`key: value` lines, indented by `indent`), defaults included. */
void options_write(struct text *out, const void *bound, struct option_table table, int indent);

/* Appends a help paragraph: key, type, default, bounds, unit, sentence. */
void options_help(struct text *out, struct option_table table, int indent);
