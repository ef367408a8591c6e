/* File-name templates of checkpoints, as Lightning's: "{epoch}-{val/f1:.3f}" gives "epoch=45-val_f1=0.942". Really
 * parsed: an unknown key or a wrong format is an error before anything runs; '/' never makes a folder. Thread: any. */
#pragma once

#include "data/base/err.h"
#include "data/base/setting.h"
#include "data/base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct template;

/* What a template may name besides {epoch} and {step}. */
struct template_names {
    const char *const *known;
    size_t count;
};

/* Parses; `where` is the setting to blame. With `insert`, "{key}" prints "key=value". */
enum lt_err template_parse(struct template **self, const char *text, bool insert, struct template_names names,
                           const struct setting *where) LT_MUST_CHECK;
void template_free(struct template *self);

struct template_values {
    int64_t epoch, step;
    double (*value)(const void *context, const char *key); /* of a metric; NaN when it was not logged yet */
    const void *context;
};

/* Appends the file name, without ending. */
void template_format(struct text *out, const struct template *self, const struct template_values *values);
