#include "engine/trainer/rate.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

double rate_factor(const struct rate *self)
{
    return self->depth ? self->factor[self->depth - 1] : 1;
}

/* ---- changing ---- */

static enum lt_err undo(struct rate *self)
{
    if (self->depth == 0) return lt_fail(LT_EUSAGE, "nothing to undo: the learning rate is as configured");
    self->depth--;
    return LT_OK;
}

static enum lt_err push(struct rate *self, double factor)
{
    if (!isfinite(factor)) return lt_fail(LT_EUSAGE, "no learning rate can be that large");
    if (factor == rate_factor(self)) return LT_OK; /* nothing that undo could take back */
    if (self->depth == RATE_DEPTH)
        memmove(self->factor, self->factor + 1, (size_t)--self->depth * sizeof *self->factor);
    self->factor[self->depth++] = factor;
    return LT_OK;
}

/* A plain decimal number, not negative: what may stand in a configuration. */
static bool read_number(const char *text, double *number)
{
    char *end;
    if (!*text || strspn(text, "+-0123456789.eE") != strlen(text)) return false;
    *number = strtod(text, &end);
    return end != text && !*end && isfinite(*number) && !signbit(*number);
}

enum lt_err rate_change(struct rate *self, const char *wish, double scheduled)
{
    double number;
    if (strcmp(wish, "lr=undo") == 0) return undo(self);
    bool relative = strncmp(wish, "lr*", 3) == 0;
    if (!relative && strncmp(wish, "lr=", 3) != 0)
        return lt_fail(LT_EUSAGE, "'%s' cannot be set; what can be: lr=3e-4, lr*0.5, lr=undo", wish);
    if (!read_number(wish + 3, &number))
        return lt_fail(LT_EUSAGE, "'%s' is not a learning rate; give a number, like lr=3e-4, lr*0.5, or lr=undo",
                       wish + 3);
    if (!relative && !(scheduled > 0))
        return lt_fail(LT_EUSAGE, "the schedule stands at a learning rate of %g, and no factor on it gives %g",
                       scheduled, number);
    return push(self, relative ? rate_factor(self) * number : number / scheduled);
}

/* ---- state ---- */

json_t *rate_save(const struct rate *self)
{
    json_t *state = json_array();
    for (int i = 0; i < self->depth; i++) json_array_append_new(state, json_real(self->factor[i]));
    return state;
}

enum lt_err rate_load(struct rate *self, const json_t *state)
{
    size_t count = json_array_size(state);
    *self = (struct rate){0};
    bool good = (!state || json_is_array(state)) && count <= RATE_DEPTH;
    for (size_t i = 0; good && i < count; i++) {
        const json_t *factor = json_array_get(state, i);
        self->factor[i] = json_number_value(factor);
        good = json_is_number(factor) && isfinite(self->factor[i]) && self->factor[i] >= 0;
    }
    if (!good) return lt_fail(LT_EFORMAT, "the checkpoint's changes of the learning rate are damaged");
    self->depth = (int)count;
    return LT_OK;
}
