#include "engine/optim/optimizer.h"

#include "data/base/memory.h"
#include "engine/optim/option_split.h"

#include <stdlib.h>
#include <string.h>

static const struct optimizer *const optimizers[] = {
#define OPTIMIZER(name) &optimizer_##name,
#include "engine/optim/optimizers.def"
#undef OPTIMIZER
};

const struct optimizer *optimizer_at(int id)
{
    lt_assert(id >= 0 && id < OPTIMIZER_COUNT);
    return optimizers[id];
}

const struct optimizer *optimizer_find(const char *name, int *id)
{
    const char *names[OPTIMIZER_COUNT];
    struct text list = {0};
    for (int i = 0; i < OPTIMIZER_COUNT; i++) {
        names[i] = optimizers[i]->name;
        text_add(&list, "%s%s", i ? ", " : "", names[i]);
        if (strcmp(names[i], name) != 0) continue;
        text_release(&list);
        *id = i;
        return optimizers[i];
    }
    const char *near = options_nearest(name, names, OPTIMIZER_COUNT);
    (void)lt_fail(LT_EUSAGE, "there is no optimizer '%s'%s%s%s; there are %s", name, near ? " (did you mean " : "",
                  near ? near : "", near ? "?)" : "", text_get(&list));
    text_release(&list);
    return NULL;
}

/* The keys every optimizer has besides its own. */
static const struct option common_rows[] = {
    {.key = "no_decay",
     .type = OPTION_TEXTS,
     .offset = 0,
     .initial = "[]",
     .help = "patterns of parameter names (* matches anything) whose weight decay is 0, for instance \"*.bias\""},
};

enum lt_err optimizer_read(struct optimizer_choice *self, const struct setting *mapping)
{
    *self = (struct optimizer_choice){.optimizer = &optimizer_adamw, .id = OPTIMIZER_adamw};
    if (!setting_is_null(mapping)) {
        const struct setting *name = setting_get(mapping, "name");
        if (mapping->kind != SETTING_MAPPING) return setting_fail(mapping, "expected {name: adamw, lr: 1e-3, …}");
        if (name == NULL || name->kind != SETTING_SCALAR)
            return setting_fail(mapping, "the optimizer needs a name, for instance {name: adamw, lr: 1e-3}");
        self->optimizer = optimizer_find(name->scalar, &self->id);
        if (self->optimizer == NULL) return setting_fail(name, "%s", lt_message());
    }
    struct option_split split = {OPTION_TABLE(common_rows), sizeof self->no_decay, self->optimizer->table,
                                 self->optimizer->bound_bytes};
    LT_TRY(option_split_bind(&split, &self->no_decay, &self->options, mapping));
    return self->optimizer->check ? self->optimizer->check(self->options, mapping) : LT_OK;
}

void optimizer_release(struct optimizer_choice *self)
{
    options_release(&self->no_decay, OPTION_TABLE(common_rows));
    if (self->options != NULL) options_release(self->options, self->optimizer->table);
    free(self->options);
    *self = (struct optimizer_choice){0};
}

void optimizer_write(struct text *out, const struct optimizer_choice *self, int indent)
{
    text_add(out, "%*sname: %s\n", indent, "", self->optimizer->name);
    options_write(out, self->options, self->optimizer->table, indent);
    options_write(out, &self->no_decay, OPTION_TABLE(common_rows), indent);
}
