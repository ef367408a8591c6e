/* Random masks of dropout and stochastic depth: functions of (seed, layer, epoch, sample), so that nothing is saved and
 * the same sample drops the same whatever batch it is in. Implementers' header. Thread: any. */
#pragma once

#include "engine/backends/backend.h"
#include "engine/ops/op.h"

struct drop {
    double p;       /* probability to drop */
    uint32_t layer; /* hash of the layer's name */
};

/* The numbers of one sample; the first is stochastic depth's, and dropout takes one per element. Dropped when < p. */
struct rng drop_rng(const struct drop *drop, const struct step *step, int64_t sample);

/* Adds a node whose options are struct drop. */
struct value *drop_node(struct graph *g, const struct op *op, struct value *x, const char *layer, double p);
