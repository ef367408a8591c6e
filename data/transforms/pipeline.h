/* A pipeline at work: for the loader. Thread: a pipeline is read-only; a work belongs to one thread. */
#pragma once

#include "data/data.h"
#include "data/transforms/transform.h"

/* Brings work->image through all transforms and writes [height, width, 3] bytes to out. */
void pipeline_apply(const struct pipeline *self, struct work *work, struct rng *rng, uint8_t *out);
