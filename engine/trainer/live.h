/* What a person sets while a run goes on, besides the learning rate (rate.h): the keys of live.def. The values lie in
 * run->trainer and in callbacks; run->live remembers, for each key that was set, what is configured and every value
 * since ({"trainer.max_epochs": ["20", "40"]}), for undo and for checkpoints. Thread: the trainer's. */
#pragma once

#include "engine/trainer/run.h"

/* Obeys "KEY=VALUE" or "KEY=undo" and appends to `said` what became of it. LT_EUSAGE and no change when the key cannot
 * be set now or the value cannot be. */
enum lt_err live_set(struct run *run, const char *wish, struct text *said) LT_MUST_CHECK;

/* Sets again what a checkpoint remembers (NULL: nothing), but for keys that are configured otherwise since then. */
enum lt_err live_restore(struct run *run, const json_t *state) LT_MUST_CHECK;

/* Tells screens all keys with their values (the document "settings"), and the journal what holds on after a resume. */
void live_tell(struct run *run);
void live_tell_restored(struct run *run);
