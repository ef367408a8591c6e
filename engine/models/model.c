#include "engine/models/model.h"

#include "data/base/options.h"

#include <string.h>

static const struct model *const models[] = {
#define MODEL(name, file) &model_##name,
#include "engine/models/models.def"
#undef MODEL
};
enum { MODELS = sizeof models / sizeof models[0] };

const struct model *model_at(int index)
{
    return index >= 0 && index < MODELS ? models[index] : NULL;
}

const struct model *model_find(const char *name)
{
    const char *names[MODELS];
    struct text list = {0};
    for (int i = 0; i < MODELS; i++) {
        names[i] = models[i]->name;
        text_add(&list, "%s%s", i ? ", " : "", names[i]);
        if (strcmp(names[i], name) != 0) continue;
        text_release(&list);
        return models[i];
    }
    const char *near = options_nearest(name, names, MODELS);
    (void)lt_fail(LT_EUSAGE, "there is no model '%s'%s%s%s; there are %s", name, near ? " (did you mean " : "",
                  near ? near : "", near ? "?)" : "", text_get(&list));
    text_release(&list);
    return NULL;
}
