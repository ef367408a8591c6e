/* A checkpoint: one safetensors file ending in .ckpt with "model.*" and "optimizer.*" tensors in torch's layouts and
 * names, and all other state as one JSON object in `__metadata__`. Saving reads the plan; loading fills it. Nothing
 * executable is ever inside. Thread: the trainer's. */
#pragma once

#include "data/base/err.h"
#include "engine/graph/plan.h"

#include <jansson.h>

/* Writes atomically and checksummed. `state` is borrowed: trainer position, schedule, callbacks, metrics, classes,
 * transforms, config. */
enum lt_err checkpoint_save(const char *path, const struct plan *plan, json_t *state) LT_MUST_CHECK;

/* Opens a checkpoint and returns its state (caller json_decrefs), to learn the model before a plan is built. */
enum lt_err checkpoint_state(json_t **state, const char *path) LT_MUST_CHECK;

/* Fills parameters and buffers, and optimizer states when `optimizer`. Every tensor must be there with its shape. */
enum lt_err checkpoint_load(struct plan *plan, const char *path, bool optimizer) LT_MUST_CHECK;

/* Loads plain torchvision-named weights (a .safetensors file; a .ckpt's model.* too). Tensors below `classifier` whose
 * shapes differ are left as initialised and counted in *skipped; anything else missing or of wrong shape is an error.
 * Weights may be BF16.
 * num_batches_tracked may be absent. */
enum lt_err weights_load(struct plan *plan, const char *path, const char *classifier, int *skipped) LT_MUST_CHECK;

/* Whether a file of weights (either kind) suits a model, before there is a plan: every tensor that weights_load would
 * want, and no other one. */
enum lt_err weights_check(const struct graph *graph, const char *path, const char *classifier) LT_MUST_CHECK;

/* Writes a checkpoint's model tensors as plain torchvision-named safetensors (num_batches_tracked included). */
enum lt_err weights_export(const char *to, const char *checkpoint) LT_MUST_CHECK;
