/* An optimizer: its options, how many state arrays it keeps, and one update over flat parameter memory (flat.h).
 * Formulas and defaults are torch.optim's, in torch's order of operations. Thread: the device's. */
#pragma once

#include "data/base/options.h"
#include "engine/backends/flat.h"

#include <stdint.h>

struct pool;

/* Per parameter group; lives in device memory, set before each update. */
struct group_scalars {
    double lr, weight_decay;
};

enum { OPTIMIZER_STATES_MAX = 3, OPTIMIZER_GROUPS_MAX = 4 };

/* One update. Arrays are flat, of `real`; gaps between segments are not touched. */
struct optimizer_call {
    const void *options; /* bound by the optimizer's table */
    enum dtype real;
    void *parameter;
    const void *gradient; /* unscaled and clipped */
    void *state[OPTIMIZER_STATES_MAX];
    const struct segment *segment; /* frozen parameters have no segment */
    int64_t segments;
    const struct group_scalars *group; /* by segment->group */
    const int64_t *step;               /* device scalar: 1 for the first applied update */
    struct pool *pool;
};

typedef void update_function(const struct optimizer_call *call);

struct optimizer {
    const char *name;
    struct option_table table; /* has lr and weight_decay too: optimizer_lr and optimizer_weight_decay read them */
    size_t bound_bytes;
    int states;
    const char
        *state_name[OPTIMIZER_STATES_MAX]; /* in checkpoints: "optimizer.STATE.PARAMETER" (exp_avg, momentum_buffer) */
    update_function *reference;
    double (*lr)(const void *options);
    double (*weight_decay)(const void *options);
    /* Refuses values that do not go together, naming the key below `where`; NULL: nothing to refuse. */
    enum lt_err (*check)(const void *options, const struct setting *where);
};

enum optimizer_id {
#define OPTIMIZER(name) OPTIMIZER_##name,
#include "engine/optim/optimizers.def"
#undef OPTIMIZER
    OPTIMIZER_COUNT
};
#define OPTIMIZER(name) extern const struct optimizer optimizer_##name;
#include "engine/optim/optimizers.def"
#undef OPTIMIZER

/* Lends by row; by name, with the row in *id (NULL when unknown: the message lists the names). */
const struct optimizer *optimizer_at(int id);
const struct optimizer *optimizer_find(const char *name, int *id);

/* What configuration chose: `optimizer: {name: adamw, lr: 1e-3, no_decay: ["*.bias"], …}`. */
struct optimizer_choice {
    const struct optimizer *optimizer;
    int id; /* row of optimizers.def */
    void *options;
    struct texts no_decay; /* fnmatch patterns of parameter names whose weight decay is 0 */
};

/* Reads the mapping strictly; null gives adamw with its defaults. The choice is releasable even after an error. */
enum lt_err optimizer_read(struct optimizer_choice *self, const struct setting *mapping) LT_MUST_CHECK;
void optimizer_release(struct optimizer_choice *self);

/* Appends the choice as YAML `key: value` lines that read back to the same choice. */
void optimizer_write(struct text *out, const struct optimizer_choice *self, int indent);
