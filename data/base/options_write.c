/* The writing half of options.h: bound values as YAML that binds back to the same values, and the help text. */
#include "data/base/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void write_real(struct text *out, double value)
{
    if (isinf(value)) {
        text_add(out, value > 0 ? ".inf" : "-.inf");
        return;
    }
    char shortest[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(shortest, sizeof shortest, "%.*g", digits, value);
        if (strtod(shortest, NULL) == value) break;
    }
    text_add(out, "%s", shortest);
}

static void write_text(struct text *out, const char *value)
{
    struct setting scalar = {.scalar = (char *)value, .quoted = true};
    struct text line = {0};
    setting_write(&line, &scalar);
    text_add_bytes(out, text_get(&line), line.length - 1);
    text_release(&line);
}

static void write_list(struct text *out, const void *at, enum option_type type)
{
    const struct reals *reals = at;
    const struct texts *texts = at;
    size_t count = type == OPTION_REALS ? reals->count : texts->count;
    text_add(out, "[");
    for (size_t i = 0; i < count; i++) {
        if (i) text_add(out, ", ");
        if (type == OPTION_REALS)
            write_real(out, reals->item[i]);
        else
            write_text(out, texts->item[i]);
    }
    text_add(out, "]");
}

static void write_choice(struct text *out, const char *choices, int index)
{
    while (index-- > 0) choices += strcspn(choices, "|") + 1;
    text_add_bytes(out, choices, strcspn(choices, "|"));
}

static void write_value(struct text *out, const void *at, const struct option *row)
{
    const struct amount *amount = at;
    switch (row->type) {
    case OPTION_BOOL: text_add(out, *(const bool *)at ? "true" : "false"); break;
    case OPTION_INT:
        if (row->nullable && (double)*(const int64_t *)at == row->null_value)
            text_add(out, "null");
        else
            text_add(out, "%lld", (long long)*(const int64_t *)at);
        break;
    case OPTION_REAL:
    case OPTION_DURATION:
        if (row->nullable && (*(const double *)at == row->null_value || isnan(*(const double *)at)))
            text_add(out, "null");
        else
            write_real(out, *(const double *)at);
        break;
    case OPTION_TEXT:
        if (*(char *const *)at)
            write_text(out, *(char *const *)at);
        else
            text_add(out, "null");
        break;
    case OPTION_CHOICE: write_choice(out, row->choices, *(const int *)at); break;
    case OPTION_AMOUNT:
        if (!amount->is_set)
            text_add(out, "null");
        else if (!amount->is_fraction)
            text_add(out, "%lld", (long long)amount->count);
        else
            text_add(out, amount->fraction == (double)(int)amount->fraction ? "%.1f" : "%.17g", amount->fraction);
        break;
    case OPTION_REALS:
    case OPTION_TEXTS: write_list(out, at, row->type); break;
    case OPTION_SETTING:
        if (*(const struct setting *const *)at) {
            struct text line = {0};
            struct setting flow = {.kind = SETTING_SEQUENCE};
            struct setting *child = (struct setting *)*(const struct setting *const *)at;
            flow.child = &child;
            flow.count = 1;
            setting_write(&line, &flow); /* "- {…}\n" */
            text_add_bytes(out, text_get(&line) + 2, line.length - 3);
            text_release(&line);
        } else {
            text_add(out, "null");
        }
        break;
    }
}

void options_write_value(struct text *out, const void *bound, struct option_table table, const char *key)
{
    const struct option *row = options_row(table, key);
    write_value(out, (const char *)bound + row->offset, row);
}

void options_write(struct text *out, const void *bound, struct option_table table, int indent)
{
    for (size_t i = 0; i < table.count; i++) {
        text_add(out, "%*s%s: ", indent, "", table.row[i].key);
        write_value(out, (const char *)bound + table.row[i].offset, &table.row[i]);
        text_add(out, "\n");
    }
}

void options_help(struct text *out, struct option_table table, int indent)
{
    for (size_t i = 0; i < table.count; i++) {
        const struct option *row = &table.row[i];
        text_add(out, "%*s%-28s %s", indent, "", row->key, row->help ? row->help : "");
        if (row->choices) text_add(out, " (%s)", row->choices);
        if (row->unit) text_add(out, " [%s]", row->unit);
        if (row->initial) text_add(out, "; default %s", *row->initial ? row->initial : "none");
        text_add(out, "\n");
    }
}
