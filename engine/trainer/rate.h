/* What a person made of the learning rate while training: a factor on the scheduled rate, and the factors before it for
 * undo. Zero-initialised is the factor 1. Goes into checkpoints exactly. Thread: pure functions on a value. */
#pragma once

#include "data/base/err.h"

#include <jansson.h>

enum { RATE_DEPTH = 32 };

struct rate {
    double factor[RATE_DEPTH]; /* one per change, the newest last; of more than RATE_DEPTH the oldest is forgotten */
    int depth;
};

double rate_factor(const struct rate *self);

/* Obeys "lr=3e-4" (from now on this, where the schedule stands at `scheduled`), "lr*0.5" (times what it is) or
 * "lr=undo" (as before the last change). LT_EUSAGE and no change when it is none of these or no rate can come of it. */
enum lt_err rate_change(struct rate *self, const char *wish, double scheduled) LT_MUST_CHECK;

/* The state of a checkpoint, and back; NULL (an older checkpoint) loads as the factor 1. */
json_t *rate_save(const struct rate *self);
enum lt_err rate_load(struct rate *self, const json_t *state) LT_MUST_CHECK;
