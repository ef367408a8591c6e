/* Checkpoints a person wants to keep whatever a run's own rules say: their names stand in the file `protected` beside
 * them, one a line, so that it holds from that moment on, from whichever checkpoint the run goes on. Thread: one writer
 * (the trainer of the run whose folder it is); anybody may read. */
#pragma once

#include "data/base/err.h"

#include <stdbool.h>

/* path: a checkpoint's. LT_EUSAGE when there is no such checkpoint, or it is last.ckpt, which each save replaces. */
enum lt_err protected_add(const char *path) LT_MUST_CHECK;

/* LT_EUSAGE when it is not protected. */
enum lt_err protected_remove(const char *path) LT_MUST_CHECK;

bool protected_has(const char *path);
