/* A branch: a new run that starts where a checkpoint of another one stands, with some of its settings changed. Weights,
 * optimizer, progress and what callbacks know come along; what is best counts anew, and files of the old run are not
 * this one's to remove. Thread: the trainer's. */
#pragma once

#include "engine/trainer/run.h"

/* Checks a prepared branch against its checkpoint and fills run->branch, the document of the same name: {parent,
 * checkpoint, step, epoch, changed: [{key, before, now}]}. LT_EUSAGE for what cannot be another than it was and
 * where nothing is left to train, with why. */
enum lt_err branch_prepare(struct run *run) LT_MUST_CHECK;

/* Whether a key of the configuration, or one below it, is another than it was. */
bool branch_changes(const struct run *run, const char *key);

/* Tells journal and screens where the run comes from. */
void branch_tell(const struct run *run);
