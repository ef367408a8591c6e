#include "tui/commands/arguments.h"

#include "data/base/memory.h"
#include "data/base/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void append(char ***list, size_t *count, char *item)
{
    *list = memory_resize(*list, *count + 1, sizeof **list);
    (*list)[(*count)++] = item;
}

static enum lt_err unknown(const char *word, const struct flag *flag, size_t flags)
{
    const char *name[FLAGS_MAX + 2];
    size_t names = 0;
    for (; names < flags; names++) name[names] = flag[names].name;
    name[names++] = "--config";
    name[names++] = "--help";
    const char *nearest = options_nearest(word, name, names);
    return lt_fail(
        LT_EUSAGE,
        "unknown argument '%s'%s%s%s; --help lists them, and --section.key VALUE overrides the configuration", word,
        nearest ? " (did you mean '" : "", nearest ? nearest : "", nearest ? "'?)" : "");
}

/* The value of argv[*i]: behind '=' or the next word. */
static enum lt_err take_value(char **value, int argc, char **argv, int *i)
{
    char *equals = strchr(argv[*i], '=');
    if (equals) {
        *equals = 0;
        *value = equals + 1;
        return LT_OK;
    }
    if (*i + 1 >= argc) return lt_fail(LT_EUSAGE, "'%s' needs a value behind it", argv[*i]);
    *value = argv[++*i];
    return LT_OK;
}

static const struct flag *find(const char *word, const struct flag *flag, size_t flags)
{
    size_t length = strcspn(word, "=");
    for (size_t i = 0; i < flags; i++)
        if (strlen(flag[i].name) == length && strncmp(flag[i].name, word, length) == 0) return &flag[i];
    return NULL;
}

/* --SECTION.KEY, or a whole section or key of the top level. */
static bool is_override(const char *word)
{
    static const char *const top[] = {"seed_everything", "run_name",     "trainer", "model",
                                      "optimizer",       "lr_scheduler", "metrics", "data"};
    if (word[0] != '-' || word[1] != '-') return false;
    size_t length = strcspn(word + 2, ".=");
    for (size_t i = 0; i < sizeof top / sizeof *top; i++)
        if (strlen(top[i]) == length && strncmp(word + 2, top[i], length) == 0) return true;
    return word[2 + length] == '.'; /* an unknown section is told by the configuration, with the nearest */
}

static enum lt_err read_flag(struct arguments *self, int argc, char **argv, int *i, const struct flag *flag,
                             size_t flags)
{
    char *word = argv[*i], *value = NULL;
    const struct flag *known = find(word, flag, flags);
    if (known && !known->value) {
        self->value[known - flag] = "";
        return LT_OK;
    }
    if (known) {
        LT_TRY(take_value(&value, argc, argv, i));
        self->value[known - flag] = value;
        return LT_OK;
    }
    if (strcmp(word, "-c") == 0 || strcmp(word, "--config") == 0 || strncmp(word, "--config=", 9) == 0) {
        LT_TRY(take_value(&value, argc, argv, i));
        append(&self->config, &self->configs, value);
        return LT_OK;
    }
    if (!is_override(word)) return unknown(word, flag, flags);
    LT_TRY(take_value(&value, argc, argv, i));
    size_t words = self->overrides * 2;
    append(&self->override, &words, word + 2);
    append(&self->override, &words, value);
    self->overrides++;
    return LT_OK;
}

enum lt_err arguments_read(struct arguments *self, int argc, char **argv, const struct flag *flag, size_t flags)
{
    lt_assert(flags <= FLAGS_MAX);
    *self = (struct arguments){0};
    bool flags_over = false;
    for (int i = 1; i < argc; i++) {
        if (!flags_over && strcmp(argv[i], "--") == 0)
            flags_over = true;
        else if (!flags_over && argv[i][0] == '-' && argv[i][1])
            LT_TRY(read_flag(self, argc, argv, &i, flag, flags));
        else
            append(&self->rest, &self->rests, argv[i]);
    }
    return LT_OK;
}

void arguments_release(struct arguments *self)
{
    free(self->config), free(self->override), free(self->rest);
    *self = (struct arguments){0};
}

void arguments_help(const char *usage, const char *about, const struct flag *flag, size_t flags)
{
    printf("usage: %s\n\n%s\n\n", usage, about);
    printf("  %-28s %s\n", "-c, --config FILE", "a configuration file; may be given again, later ones win");
    printf("  %-28s %s\n", "--SECTION.KEY VALUE", "overrides one key of the configuration (--trainer.max_epochs 3)");
    for (size_t i = 0; i < flags; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s%s", flag[i].name, flag[i].value ? " " : "",
                 flag[i].value ? flag[i].value : "");
        printf("  %-28s %s\n", name, flag[i].help);
    }
}
