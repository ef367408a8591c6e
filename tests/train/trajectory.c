#include "tests/train/trajectory.h"

#include "data/base/memory.h"
#include "engine/graph/plan.h"
#include "engine/models/model.h"
#include "engine/ops/ops.h"
#include "tests/train/formula.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CLASSES = 10, STEPS_MAX = 16, NAMED_MAX = 2048, BATCH_MAX = 64 };

/* ---- what PyTorch had ---- */

enum named_kind { GRADIENT, RUNNING, PARAMETER };

struct named {
    enum named_kind kind;
    char name[96];
    double norm;
};

struct stored {
    char model[64], optimizer[64];
    double lr, momentum, weight_decay, clip;
    int size, batch, steps;
    double loss[STEPS_MAX], norm[STEPS_MAX], loss_error[STEPS_MAX], norm_error[STEPS_MAX];
    struct named named[NAMED_MAX];
    int named_count;
    double train_logits[BATCH_MAX * CLASSES], eval_logits[BATCH_MAX * CLASSES];
    double train_error, eval_error;                       /* PyTorch float32's own */
    double autocast_loss, autocast_norm, autocast_logits; /* the same of bfloat16 */
};

static void read_logits(double *logits, double *error, const char *text, int count)
{
    char *at;
    *error = strtod(text, &at);
    for (int i = 0; i < count; i++) logits[i] = strtod(at, &at);
}

static void read_line(struct stored *self, const char *line, int *step)
{
    static const char *const kinds[] = {"gradient", "running", "parameter"};
    const int logits = self->batch * CLASSES;
    if (strncmp(line, "step ", 5) == 0) {
        const int t = (*step)++;
        assert_int_equal(sscanf(line, "step %lf %lf %lf %lf", &self->loss[t], &self->norm[t], &self->loss_error[t],
                                &self->norm_error[t]),
                         4);
    } else if (strncmp(line, "train_logits ", 13) == 0) {
        read_logits(self->train_logits, &self->train_error, line + 13, logits);
    } else if (strncmp(line, "eval_logits ", 12) == 0) {
        read_logits(self->eval_logits, &self->eval_error, line + 12, logits);
    } else if (strncmp(line, "autocast ", 9) == 0) {
        assert_int_equal(
            sscanf(line, "autocast %lf %lf %lf", &self->autocast_loss, &self->autocast_norm, &self->autocast_logits),
            3);
    } else {
        struct named *named = &self->named[self->named_count++];
        char kind[16];
        assert_int_equal(sscanf(line, "%15s %95s %lf", kind, named->name, &named->norm), 3);
        for (int k = 0; k < 3; k++)
            if (strcmp(kind, kinds[k]) == 0) named->kind = (enum named_kind)k;
    }
}

static struct stored *read_stored(const char *name)
{
    char path[4096];
    const char *root = getenv("LATHE_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/tests/golden/expected/trajectory_%s.txt", root ? root : ".", name);
    FILE *file = fopen(path, "r");
    if (file == NULL) fail_msg("cannot open %s", path);
    struct stored *self = memory_new(1, sizeof *self);
    char *line = NULL;
    size_t room = 0;
    int step = 0;
    assert_true(getline(&line, &room, file) > 0);
    assert_int_equal(sscanf(line, "run %63s %63s %lf %lf %lf %lf %d %d %d", self->model, self->optimizer, &self->lr,
                            &self->momentum, &self->weight_decay, &self->clip, &self->size, &self->batch, &self->steps),
                     9);
    assert_true(self->steps <= STEPS_MAX && self->batch <= BATCH_MAX);
    while (getline(&line, &room, file) > 0) read_line(self, line, &step);
    assert_int_equal(step, self->steps);
    free(line);
    fclose(file);
    return self;
}

/* ---- the same here ---- */

struct training {
    const struct stored *stored;
    const struct backend *backend;
    struct device *device;
    struct optimizer_choice optimizer;
    struct plan *plan;
    struct value *logits, *loss;
    enum dtype real;
    bool bf16;
    double worst_step, worst_own; /* largest error over the steps: here, and PyTorch float32's */
};

static double element(const void *array, enum dtype real, int64_t i)
{
    return real == DTYPE_F64 ? ((const double *)array)[i] : (double)((const float *)array)[i];
}

static void set_element(void *array, enum dtype real, int64_t i, double value)
{
    if (real == DTYPE_F64)
        ((double *)array)[i] = value;
    else
        ((float *)array)[i] = (float)value;
}

/* Elements of what is stored as activations are. */
static double activation(const struct training *self, const void *array, int64_t i)
{
    if (!self->bf16) return element(array, self->real, i);
    const uint32_t bits = (uint32_t)((const uint16_t *)array)[i] << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static void set_activation(const struct training *self, void *array, int64_t i, double value)
{
    const float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    if (self->bf16)
        ((uint16_t *)array)[i] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    else
        set_element(array, self->real, i, value);
}

static void choose_optimizer(struct training *self)
{
    char yaml[256], momentum[64] = "";
    const struct stored *stored = self->stored;
    if (stored->momentum > 0) snprintf(momentum, sizeof momentum, ", momentum: %g", stored->momentum);
    snprintf(yaml, sizeof yaml, "{name: %s, lr: %g, weight_decay: %g%s}", stored->optimizer, stored->lr,
             stored->weight_decay, momentum);
    struct setting *root;
    assert_int_equal(setting_parse(&root, yaml, "test"), LT_OK);
    assert_int_equal(optimizer_read(&self->optimizer, root), LT_OK);
    setting_free(root);
}

static void build_plan(struct training *self)
{
    const struct stored *stored = self->stored;
    const struct model_options none = {.num_classes = CLASSES};
    struct graph *g = graph_new(stored->batch);
    struct value *image = graph_input(g, "image", DTYPE_REAL, SHAPE(stored->batch, stored->size, stored->size, 3));
    struct value *target = graph_input(g, "target", DTYPE_I32, SHAPE(stored->batch));
    self->logits = model_find(stored->model)->build(g, image, &none);
    self->loss = cross_entropy(g, self->logits, target, "loss", 0);
    const struct plan_options options = {.backend = self->backend,
                                         .device = self->device,
                                         .real = self->real,
                                         .bf16 = self->bf16,
                                         .training = true,
                                         .optimizer = self->optimizer.id,
                                         .optimizer_options = self->optimizer.options,
                                         .clip = stored->clip > 0 ? CLIP_NORM : CLIP_NONE,
                                         .clip_value = stored->clip};
    const struct plan_outputs outputs = {.loss = self->loss, .output = {self->loss, self->logits}, .count = 2};
    if (plan_build(&self->plan, g, outputs, &options) != LT_OK) fail_msg("%s", lt_message());
}

/* Weight or bias of a batch norm or a layer norm? */
static bool is_norm(const struct plan *plan, const struct value *value)
{
    const struct graph *graph = plan_graph(plan);
    for (size_t n = 0; n < graph->node_count; n++) {
        const struct node *node = graph->node[n];
        const int weight = node->op == &op_conv_norm ? 2 : 1; /* of the norm */
        if ((node->op == &op_batch_norm || node->op == &op_conv_norm || node->op == &op_layer_norm) &&
            (node->in[weight] == value || node->in[weight + 1] == value))
            return true;
    }
    return false;
}

static void set_weights(struct training *self)
{
    plan_initialise(self->plan, 0);
    for (int i = 0; i < plan_tensor_count(self->plan); i++) {
        const struct plan_tensor tensor = plan_tensor(self->plan, i);
        const struct value *value = tensor.value;
        if (value->kind != VALUE_PARAMETER) continue;
        const int64_t count = shape_count(value->shape);
        const double fan_in = (double)(count / value->shape.size[0]);
        double scale = 0.1, shift = 0;
        if (strstr(value->name, ".layer_scale"))
            shift = 0.5;
        else if (value->shape.rank > 1)
            scale = sqrt((value->shape.rank == 4 ? 6 : 3) / fan_in);
        else if (is_norm(self->plan, value))
            shift = strstr(value->name, ".weight") ? 0.5 : 0.8;
        void *host = memory_new((size_t)count, dtype_bytes(self->real));
        const uint64_t hash = formula_hash(value->name);
        for (int64_t k = 0; k < count; k++)
            set_element(host, self->real, k, shift + scale * (2 * formula_u(hash, (uint64_t)k) - 1));
        plan_set(self->plan, tensor.tensor, value, host);
        free(host);
    }
}

static void feed(struct training *self, int t)
{
    const struct stored *stored = self->stored;
    const int size = stored->size;
    const size_t count = (size_t)(stored->batch * size * size * 3);
    char name[32];
    snprintf(name, sizeof name, "image.%d", t);
    struct formula_pixel p = {.hash = formula_hash(name), .step = t, .size = size};
    const size_t width = dtype_bytes(self->bf16 ? DTYPE_BF16 : self->real);
    void *image = memory_new(count, width);
    int32_t target[BATCH_MAX];
    int64_t at = 0;
    for (p.sample = 0; p.sample < stored->batch; p.sample++) {
        target[p.sample] = formula_target(p.sample, t);
        for (p.y = 0; p.y < size; p.y++)
            for (p.x = 0; p.x < size; p.x++)
                for (p.c = 0; p.c < 3; p.c++) set_activation(self, image, at++, formula_pixel(&p));
    }
    plan_set_input(self->plan, "image", image, count * width);
    plan_set_input(self->plan, "target", target, (size_t)stored->batch * sizeof *target);
    plan_synchronize(self->plan);
    free(image);
}

/* ---- comparing ---- */

static double off_by(double value, double expected)
{
    return fabs(value - expected) / fabs(expected);
}

static void check_logits(struct training *self, const double *expected, double bound, const char *when)
{
    const int count = self->stored->batch * CLASSES;
    double values[BATCH_MAX * CLASSES], difference = 0, norm = 0;
    plan_read(self->plan, self->logits, values, self->stored->batch);
    plan_synchronize(self->plan);
    for (int i = 0; i < count; i++) {
        const double d = activation(self, values, i) - expected[i];
        difference += d * d, norm += expected[i] * expected[i];
    }
    print_message("    %s logits off by %.1e\n", when, sqrt(difference / norm));
    if (!(sqrt(difference / norm) <= bound))
        fail_msg("%s logits are off by %g, not within %g", when, sqrt(difference / norm), bound);
}

static double norm_of(struct training *self, const struct value *value, struct tensor tensor)
{
    const int64_t count = shape_count(value->shape);
    void *host = memory_new((size_t)count, dtype_bytes(self->real));
    double sum = 0;
    plan_get(self->plan, tensor, value, host);
    for (int64_t i = 0; i < count; i++) sum += element(host, self->real, i) * element(host, self->real, i);
    free(host);
    return sqrt(sum);
}

/* Norms by name; a norm that is small beside `floor` counts as floor, so that what is nearly zero is not judged by
 * itself. */
static void check_named(struct training *self, enum named_kind kind, double floor, double bound)
{
    double worst = 0;
    int checked = 0, wanted = 0;
    for (int k = 0; k < self->stored->named_count; k++) wanted += self->stored->named[k].kind == kind;
    for (int i = 0; i < plan_tensor_count(self->plan); i++) {
        const struct plan_tensor tensor = plan_tensor(self->plan, i);
        for (int k = 0; k < self->stored->named_count; k++) {
            const struct named *named = &self->stored->named[k];
            if (named->kind != kind || strcmp(named->name, tensor.value->name) != 0) continue;
            const double norm = norm_of(self, tensor.value, kind == GRADIENT ? tensor.gradient : tensor.tensor);
            const double off = fabs(norm - named->norm) / (named->norm > floor ? named->norm : floor);
            if (!(off <= bound)) fail_msg("%s has the norm %.12g, PyTorch %.12g", named->name, norm, named->norm);
            if (off > worst) worst = off;
            checked++;
        }
    }
    print_message("    %d norms of kind %d off by at most %.1e\n", checked, kind, worst);
    assert_int_equal(checked, wanted);
    assert_true(wanted > 20 || kind == RUNNING); /* a model without batch norm has none of those */
}

static void check_step(struct training *self, int t, double loss, double norm, double bound)
{
    const struct stored *stored = self->stored;
    const double loss_off = off_by(loss, stored->loss[t]), norm_off = off_by(norm, stored->norm[t]);
    print_message("    step %d: loss %.6f off by %.1e (float32 of PyTorch %.1e), norm by %.1e (%.1e)\n", t, loss,
                  loss_off, stored->loss_error[t], norm_off, stored->norm_error[t]);
    if (!(loss_off <= bound && norm_off <= bound))
        fail_msg("step %d: loss %.10g, PyTorch %.10g; norm %.10g, PyTorch %.10g", t, loss, stored->loss[t], norm,
                 stored->norm[t]);
    self->worst_step = fmax(self->worst_step, fmax(loss_off, norm_off));
    self->worst_own = fmax(self->worst_own, fmax(stored->loss_error[t], stored->norm_error[t]));
    if (self->bf16) self->worst_own = fmax(stored->autocast_loss, stored->autocast_norm);
}

static void train(struct training *self, struct trajectory_bounds bounds)
{
    const struct stored *stored = self->stored;
    const double lr[OPTIMIZER_GROUPS_MAX] = {stored->lr, stored->lr};
    struct plan_step step = {.n = stored->batch, .loss_weight = 1.0 / stored->batch, .first = true, .last = true};
    double *norm = memory_new((size_t)plan_tensor_count(self->plan) + 1, sizeof *norm), losses[BATCH_MAX];
    int norms = 0;
    for (int i = 0; i < plan_tensor_count(self->plan); i++) norms += plan_norm_index(self->plan, i) >= 0;
    for (int t = 0; t < stored->steps; t++) {
        double loss = 0;
        feed(self, t);
        plan_forward(self->plan, &step);
        if (t == 0)
            check_logits(self, stored->train_logits,
                         self->bf16 ? bounds.logits * stored->autocast_logits : bounds.logits, "first");
        plan_backward(self->plan, &step);
        if (t == 0) check_named(self, GRADIENT, (self->bf16 ? 1e-2 : 1e-3) * stored->norm[0], bounds.step);
        plan_update(self->plan, lr, t + 1);
        plan_read(self->plan, self->loss, losses, stored->batch);
        plan_read_norms(self->plan, norm);
        for (int i = 0; i < stored->batch; i++) loss += element(losses, self->real, i) / stored->batch;
        check_step(self, t, loss, norm[norms], bounds.step);
    }
    free(norm);
}

static void check_end(struct training *self, struct trajectory_bounds bounds)
{
    const struct plan_step step = {.n = self->stored->batch};
    check_named(self, RUNNING, 1e-3, bounds.end);
    check_named(self, PARAMETER, 1e-3, bounds.end);
    feed(self, 0);
    plan_evaluate(self->plan, &step);
    check_logits(self, self->stored->eval_logits, bounds.end, "last");
    if (bounds.own_factor > 0 && !(self->worst_step <= bounds.own_factor * self->worst_own))
        fail_msg("off by up to %g, more than %g times PyTorch's own %g", self->worst_step, bounds.own_factor,
                 self->worst_own);
}

void trajectory_check(const char *name, const char *backend, enum dtype real, struct trajectory_bounds bounds)
{
    struct training self = {.backend = backend_find(backend), .real = real, .bf16 = bounds.bf16};
    assert_non_null(self.backend);
    struct stored *stored = read_stored(name);
    self.stored = stored;
    assert_int_equal(self.backend->open(&self.device, &(struct device_options){.threads = 0}), LT_OK);
    print_message("  %s on %s\n", name, backend);
    choose_optimizer(&self);
    build_plan(&self);
    set_weights(&self);
    train(&self, bounds);
    check_end(&self, bounds);
    plan_free(self.plan);
    optimizer_release(&self.optimizer);
    self.backend->close(self.device);
    free(stored);
}
