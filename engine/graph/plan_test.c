/* What a plan computes, on the reference backend in double: gradients against finite differences on a graph whose
 * values have several readers; ragged batches, accumulation, freezing, clipping, groups; nothing is allocated while it
 * runs. */
#include "engine/graph/plan.h"

#include "data/base/memory.h"
#include "engine/ops/ops.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIZE = 8, CLASSES = 5, BATCH = 4, PIXELS = SIZE * SIZE * 3 };

/* ---- counting allocations: this program's malloc, unless a sanitizer brings its own ---- */

static int64_t allocations;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *old, size_t bytes);
void *malloc(size_t bytes)
{
    return allocations++, __libc_malloc(bytes);
}
void *calloc(size_t count, size_t bytes)
{
    return allocations++, __libc_calloc(count, bytes);
}
void *realloc(void *old, size_t bytes)
{
    return allocations++, __libc_realloc(old, bytes);
}
static const bool counts_allocations = true;
#else
static const bool counts_allocations = false;
#endif

/* ---- a small model ---- */

static const struct init spread = {INIT_KAIMING_UNIFORM_FAN_IN, 1};

static struct value *conv(struct graph *g, struct value *x, const char *layer, int64_t channels, int64_t groups)
{
    return conv2d(
        g, x, layer,
        (struct conv2d_options){
            .out_channels = channels, .kernel = {3, 3}, .pad = {1, 1}, .groups = groups, .bias = true, .init = spread});
}

/* A value read by four nodes (a), a weight used twice, every kind of op; with `norm` also what mixes the samples of a
 * batch. */
static struct value *build_logits(struct graph *g, struct value *x, bool norm)
{
    const struct conv2d_options same = {
        .out_channels = 4, .kernel = {3, 3}, .stride = {2, 2}, .padding = PADDING_SAME, .groups = 4, .init = spread};
    const struct conv2d_options again = {
        .out_channels = 4, .kernel = {3, 3}, .stride = {1, 1}, .pad = {1, 1}, .groups = 1};
    struct value *a = conv(g, x, "stem", 4, 1);
    if (norm) a = batch_norm(g, a, "norm", (struct batch_norm_options){0});
    a = silu(g, a, "act");
    struct value *gate = adaptive_avg_pool2d(g, a, "squeeze", 1, 1);
    gate = sigmoid(g,
                   conv2d(g, gate, "fc",
                          (struct conv2d_options){.out_channels = 4, .kernel = {1, 1}, .bias = true, .init = spread}),
                   "gate");
    struct value *sum = add(g, mul(g, a, gate, "excite"), a, "sum");
    struct value *tied = conv(g, sum, "tied", 4, 1);
    struct value *in[2] = {tied, graph_find(g, "tied.weight")};
    struct node *twice = graph_node(g, &op_conv2d, "tied_again", &again, sizeof again, in, 2);
    struct value *pooled = max_pool2d(g, twice ? twice->out[0] : NULL, "max", (struct pool_options){.kernel = {2, 2}});
    struct value *y = add(g, pooled, conv2d(g, a, "depthwise", same), "join");
    y = relu6(g, y, "relu6");
    y = add(g, relu(g, conv(g, y, "branch", 4, 2), "relu"), y, "residual");
    y = stochastic_depth(g, y, "depth", 0.3);
    y = avg_pool2d(g, y, "avg", (struct pool_options){.kernel = {3, 3}, .stride = {1, 1}, .pad = {1, 1}});
    y = dropout(g, flatten(g, y, "flatten"), "dropout", 0.25);
    return linear(g, y, "head",
                  (struct linear_options){
                      .out_features = CLASSES, .bias = true, .init = spread, .bias_init = {INIT_UNIFORM, 0.1}});
}

struct machine {
    struct device *device;
    struct plan *plan;
    struct value *loss, *logits;
};

struct wish {
    int64_t batch;
    bool norm, evaluation_only;
    const char *freeze;
    struct plan_options options; /* backend, device, real and training are filled in */
};

static void open_machine(struct machine *m, struct wish wish)
{
    assert_int_equal(backend_reference.open(&m->device, &(struct device_options){0}), LT_OK);
    struct graph *g = graph_new(wish.batch);
    struct value *image = graph_input(g, "image", DTYPE_REAL, SHAPE(wish.batch, SIZE, SIZE, 3));
    struct value *target = graph_input(g, "target", DTYPE_I32, SHAPE(wish.batch));
    m->logits = build_logits(g, image, wish.norm);
    m->loss = cross_entropy(g, m->logits, target, "loss", 0.1);
    int64_t matched = 0;
    if (wish.freeze) graph_freeze(g, &(char *){(char *)wish.freeze}, 1, &matched);
    assert_true(!wish.freeze || matched > 0);
    wish.options.backend = wish.options.backend ? wish.options.backend : &backend_reference;
    wish.options.device = m->device;
    wish.options.real = DTYPE_F64;
    wish.options.training = !wish.evaluation_only;
    const struct plan_outputs outputs = {.loss = m->loss, .output = {m->loss, m->logits}, .count = 2};
    if (plan_build(&m->plan, g, outputs, &wish.options) != LT_OK) fail_msg("%s", lt_message());
    plan_initialise(m->plan, 7);
}

static void close_machine(struct machine *m)
{
    plan_free(m->plan);
    backend_reference.close(m->device);
}

/* Samples first … first + n - 1 of an endless set. */
static void feed(struct machine *m, int64_t first, int64_t n)
{
    double image[BATCH * PIXELS];
    int32_t target[BATCH];
    for (int64_t i = 0; i < n * PIXELS; i++) {
        const int64_t at = first * PIXELS + i;
        image[i] = sin(0.37 * (double)at + (double)(at % 7));
    }
    for (int64_t i = 0; i < n; i++) target[i] = (int32_t)((first + i) % CLASSES);
    plan_set_input(m->plan, "image", image, (size_t)(n * PIXELS) * sizeof *image);
    plan_set_input(m->plan, "target", target, (size_t)n * sizeof *target);
}

static const int64_t numbers[] = {0, 1, 2, 3, 4, 5, 6, 7};

static struct plan_step step_of(int64_t first, int64_t n, double weight)
{
    return (struct plan_step){.n = n, .sample = numbers + first, .loss_weight = weight, .first = true, .last = true};
}

static void forward_backward(struct machine *m, int64_t n)
{
    const struct plan_step step = step_of(0, n, 1.0 / (double)n);
    feed(m, 0, n);
    plan_forward(m->plan, &step);
    plan_backward(m->plan, &step);
}

static double mean_loss(struct machine *m, int64_t n)
{
    double loss[BATCH], sum = 0;
    const struct plan_step step = step_of(0, n, 0);
    plan_forward(m->plan, &step);
    plan_read(m->plan, m->loss, loss, n);
    for (int64_t i = 0; i < n; i++) sum += loss[i];
    return sum / (double)n;
}

/* ---- tests ---- */

static void gradients_are_slopes(void **state)
{
    struct machine m;
    (void)state;
    open_machine(&m, (struct wish){.batch = BATCH, .norm = true});
    forward_backward(&m, BATCH);
    int checked = 0;
    for (int i = 0; i < plan_tensor_count(m.plan); i++) {
        const struct plan_tensor t = plan_tensor(m.plan, i);
        if (t.value->kind != VALUE_PARAMETER) continue;
        double *w = t.tensor.data, gradient[4096];
        const int64_t count = shape_count(t.value->shape);
        memcpy(gradient, t.gradient.data, (size_t)count * sizeof *gradient);
        for (int64_t k = 0; k < count; k += 1 + count / 23, checked++) {
            const double kept = w[k], h = 1e-6;
            w[k] = kept + h;
            const double above = mean_loss(&m, BATCH);
            w[k] = kept - h;
            const double slope = (above - mean_loss(&m, BATCH)) / (2 * h);
            w[k] = kept;
            if (!(fabs(slope - gradient[k]) <= 1e-6 * fmax(1, fabs(slope))))
                fail_msg("%s[%lld]: gradient %.10g, slope %.10g", t.value->name, (long long)k, gradient[k], slope);
        }
    }
    assert_true(checked > 100);
    close_machine(&m);
}

/* All gradients of a plan, one behind the other. */
static int64_t copy_gradients(struct machine *m, double *out)
{
    int64_t at = 0;
    for (int i = 0; i < plan_tensor_count(m->plan); i++) {
        const struct plan_tensor t = plan_tensor(m->plan, i);
        if (t.gradient.data == NULL) continue;
        const int64_t count = shape_count(t.value->shape);
        memcpy(out + at, t.gradient.data, (size_t)count * sizeof *out);
        at += count;
    }
    return at;
}

static void a_short_batch_counts_only_its_samples(void **state)
{
    static double full[8192], part[8192];
    struct machine wide, narrow;
    (void)state;
    open_machine(&wide, (struct wish){.batch = BATCH, .norm = true});
    open_machine(&narrow, (struct wish){.batch = 3, .norm = true});
    forward_backward(&wide, BATCH); /* leaves other samples behind */
    forward_backward(&wide, 3);
    forward_backward(&narrow, 3);
    const int64_t count = copy_gradients(&wide, full);
    assert_int_equal(copy_gradients(&narrow, part), count);
    for (int64_t i = 0; i < count; i++) assert_true(fabs(full[i] - part[i]) <= 1e-14);
    close_machine(&wide);
    close_machine(&narrow);
}

static void accumulation_equals_one_batch(void **state)
{
    static double whole[8192], pieces[8192];
    struct machine one, several;
    (void)state;
    open_machine(&one, (struct wish){.batch = BATCH});
    open_machine(&several, (struct wish){.batch = 2, .options.accumulate = true});
    for (int round = 0; round < 2; round++) { /* the second window starts from nothing */
        forward_backward(&one, BATCH);
        for (int64_t first = 0; first < BATCH; first += first ? 1 : 2) { /* 2, 1 and 1 samples */
            struct plan_step step = step_of(first, first ? 1 : 2, 1.0 / BATCH);
            step.first = first == 0, step.last = first == BATCH - 1;
            feed(&several, first, step.n);
            plan_forward(several.plan, &step);
            plan_backward(several.plan, &step);
        }
        const int64_t count = copy_gradients(&one, whole);
        assert_int_equal(copy_gradients(&several, pieces), count);
        for (int64_t i = 0; i < count; i++)
            if (!(fabs(whole[i] - pieces[i]) <= 1e-14))
                fail_msg("round %d gradient %d: %.17g %.17g", round, (int)i, whole[i], pieces[i]);
    }
    close_machine(&one);
    close_machine(&several);
}

static const struct setting *no_setting;

static void update_once(struct machine *m, double *norm)
{
    const double lr[OPTIMIZER_GROUPS_MAX] = {0.1, 0.1, 0.1, 0.1};
    forward_backward(m, BATCH);
    plan_update(m->plan, lr, 1);
    plan_read_norms(m->plan, norm);
}

static void clipping_bounds_what_the_optimizer_sees(void **state)
{
    static double gradient[8192], norm[64];
    struct optimizer_choice choice;
    (void)state;
    assert_int_equal(optimizer_read(&choice, no_setting), LT_OK);
    const struct plan_options by_norm = {
        .optimizer = choice.id, .optimizer_options = choice.options, .clip = CLIP_NORM, .clip_value = 0.01};
    struct plan_options by_value = by_norm;
    by_value.clip = CLIP_VALUE, by_value.clip_value = 1e-3;
    for (int round = 0; round < 2; round++) {
        struct machine m;
        open_machine(&m, (struct wish){.batch = BATCH, .norm = true, .options = round ? by_value : by_norm});
        update_once(&m, norm);
        const int64_t count = copy_gradients(&m, gradient);
        double sum = 0, most = 0, parts = 0;
        int parameters = 0;
        for (int64_t i = 0; i < count; i++) sum += gradient[i] * gradient[i], most = fmax(most, fabs(gradient[i]));
        for (int i = 0; i < plan_tensor_count(m.plan); i++) parameters += plan_norm_index(m.plan, i) >= 0;
        for (int i = 0; i < parameters; i++) parts += norm[i] * norm[i];
        assert_true(norm[parameters] > 0.05 &&
                    fabs(sqrt(parts) - norm[parameters]) < 1e-12); /* as measured before clipping */
        if (round == 0)
            assert_true(fabs(sqrt(sum) - 0.01) < 1e-5);
        else
            assert_true(most == 1e-3);
        close_machine(&m);
    }
    optimizer_release(&choice);
}

/* With plain SGD an update is the rate times the clipped gradient; the counts are those of before clipping. */
static void watched_updates_tell_more(void **state)
{
    static double norm[64], ratio[64], zeros[64], nonfinite[64], before[8192];
    struct setting *plain;
    struct optimizer_choice choice;
    struct machine m;
    (void)state;
    assert_true(setting_parse(&plain, "{name: sgd, lr: 0.1}", "t") == LT_OK && optimizer_read(&choice, plain) == LT_OK);
    struct plan_options options = {.optimizer = choice.id, .optimizer_options = choice.options, .watch = true};
    options.clip = CLIP_NORM, options.clip_value = 0.01;
    open_machine(&m, (struct wish){.batch = BATCH, .norm = true, .options = options});
    const struct plan_watched watched = {ratio, zeros, nonfinite};
    const struct plan_tensor weight = plan_tensor(m.plan, 0);
    double size = 0;
    plan_get(m.plan, weight.tensor, weight.value, before);
    for (int64_t i = 0; i < shape_count(weight.value->shape); i++) size += before[i] * before[i];
    plan_watch(m.plan);
    update_once(&m, norm);
    plan_read_watched(m.plan, &watched);
    int parameters = 0;
    for (int i = 0; i < plan_tensor_count(m.plan); i++) parameters += plan_norm_index(m.plan, i) >= 0;
    assert_true(fabs(ratio[0] * sqrt(size) / (0.1 * norm[0] * 0.01 / norm[parameters]) - 1) < 1e-4);
    for (int i = 0; i < parameters; i++) assert_true(zeros[i] >= 0 && zeros[i] <= 1 && nonfinite[i] == 0);
    update_once(&m, norm); /* not watched */
    plan_read_watched(m.plan, &watched);
    assert_true(isnan(ratio[0]));
    close_machine(&m);
    optimizer_release(&choice);
    setting_free(plain);
}

static void no_decay_patterns_make_a_group(void **state)
{
    static double norm[64], decayed[4], spared[4];
    struct optimizer_choice choice;
    (void)state;
    assert_int_equal(optimizer_read(&choice, no_setting), LT_OK);
    for (int round = 0; round < 2; round++) {
        char *pattern[] = {"norm.*"};
        struct machine m;
        open_machine(&m, (struct wish){.batch = BATCH,
                                       .norm = true,
                                       .options = {.optimizer = choice.id,
                                                   .optimizer_options = choice.options,
                                                   .no_decay = pattern,
                                                   .no_decay_count = (size_t)round}});
        update_once(&m, norm);
        for (int i = 0; i < plan_tensor_count(m.plan); i++)
            if (strcmp(plan_tensor(m.plan, i).value->name, "norm.weight") == 0)
                plan_get(m.plan, plan_tensor(m.plan, i).tensor, plan_tensor(m.plan, i).value, round ? spared : decayed);
        close_machine(&m);
    }
    for (int k = 0; k < 4; k++)
        assert_true(fabs(spared[k] - decayed[k] - 0.1 * 0.01) < 1e-12); /* lr * weight_decay * 1 */
    optimizer_release(&choice);
}

static void frozen_parameters_cost_nothing(void **state)
{
    struct machine free_one, frozen;
    int all, fewer;
    (void)state;
    open_machine(&free_one, (struct wish){.batch = BATCH, .norm = true});
    open_machine(&frozen, (struct wish){.batch = BATCH, .norm = true, .freeze = "[!h]*"}); /* all but the head */
    (void)plan_instructions(free_one.plan, PLAN_BACKWARD, &all);
    const struct instruction *item = plan_instructions(frozen.plan, PLAN_BACKWARD, &fewer);
    assert_true(all > 15);
    assert_int_equal(fewer, 2); /* the loss and the head */
    assert_string_equal(item[1].call->node->name, "head");
    assert_null(item[1].call->din[0].data);
    assert_non_null(item[1].call->din[1].data);
    assert_true(plan_summarise(frozen.plan).arena_bytes < plan_summarise(free_one.plan).arena_bytes);
    assert_int_equal(plan_summarise(frozen.plan).trainable, CLASSES * 64 + CLASSES);
    for (int i = 0; i < plan_tensor_count(frozen.plan); i++) {
        const struct plan_tensor t = plan_tensor(frozen.plan, i);
        assert_int_equal(t.gradient.data != NULL, strncmp(t.value->name, "head.", 5) == 0);
    }
    close_machine(&free_one);
    close_machine(&frozen);
}

static void evaluation_needs_no_training_memory(void **state)
{
    struct machine training, only;
    double a[BATCH * CLASSES], b[BATCH * CLASSES];
    const struct plan_step step = step_of(0, 3, 0);
    int count;
    (void)state;
    open_machine(&training, (struct wish){.batch = BATCH, .norm = true});
    open_machine(&only, (struct wish){.batch = BATCH, .norm = true, .evaluation_only = true});
    feed(&training, 0, 3);
    feed(&only, 0, 3);
    plan_evaluate(training.plan, &step);
    plan_evaluate(only.plan, &step);
    plan_read(training.plan, training.logits, a, 3);
    plan_read(only.plan, only.logits, b, 3);
    assert_memory_equal(a, b, 3 * CLASSES * sizeof *a);
    assert_true(plan_summarise(only.plan).arena_bytes < plan_summarise(training.plan).arena_bytes / 2);
    assert_int_equal(plan_summarise(only.plan).gradient_bytes + plan_summarise(only.plan).state_bytes, 0);
    (void)plan_instructions(only.plan, PLAN_FORWARD, &count);
    assert_int_equal(count, 0);
    assert_int_equal(plan_norm_index(only.plan, 0), -1);
    close_machine(&training);
    close_machine(&only);
}

static void running_allocates_nothing(void **state)
{
    static double norm[64];
    struct machine m;
    struct optimizer_choice choice;
    const struct plan_step step = step_of(0, BATCH, 0);
    (void)state;
    if (!counts_allocations) skip();
    assert_int_equal(optimizer_read(&choice, no_setting), LT_OK);
    open_machine(&m, (struct wish){.batch = BATCH,
                                   .norm = true,
                                   .options = {.optimizer = choice.id,
                                               .optimizer_options = choice.options,
                                               .accumulate = true,
                                               .clip = CLIP_NORM,
                                               .clip_value = 1}});
    update_once(&m, norm); /* a thread's first span makes its ring */
    const int64_t before = allocations;
    assert_true(before > 0);
    update_once(&m, norm);
    plan_evaluate(m.plan, &step);
    assert_int_equal(allocations, before);
    close_machine(&m);
    optimizer_release(&choice);
}

/* A backend that lacks silu, and one that lacks every optimizer. */
static const struct kernel *kernel_but_silu(const struct device *device, enum op_id op, bool bf16)
{
    return op == OP_silu ? NULL : backend_reference.kernel(device, op, bf16);
}

static update_function *no_update(const struct device *device, int id)
{
    return (void)device, (void)id, NULL;
}

static void what_a_backend_lacks_is_named(void **state)
{
    struct backend poor = backend_reference, poorer = backend_reference, narrow = backend_reference;
    poor.kernel = kernel_but_silu, poorer.update = no_update, narrow.has_f64 = false;
    const struct {
        const struct backend *backend;
        const char *say;
    } cases[] = {{&poor, "layer act: the reference backend has no kernel for the op silu"},
                 {&poorer, "adamw"},
                 {&narrow, "double"}};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct graph *g = graph_new(1);
        struct value *target = graph_input(g, "target", DTYPE_I32, SHAPE(1));
        struct value *image = graph_input(g, "image", DTYPE_REAL, SHAPE(1, SIZE, SIZE, 3));
        struct value *loss = cross_entropy(g, build_logits(g, image, true), target, "loss", 0);
        struct plan *plan = NULL;
        struct device *device;
        assert_int_equal(backend_reference.open(&device, &(struct device_options){0}), LT_OK);
        const struct plan_options options = {.backend = cases[i].backend,
                                             .device = device,
                                             .real = DTYPE_F64,
                                             .training = true,
                                             .optimizer = OPTIMIZER_adamw};
        assert_int_equal(plan_build(&plan, g, (struct plan_outputs){.loss = loss}, &options), LT_EUNSUPPORTED);
        assert_null(plan);
        if (!strstr(lt_message(), cases[i].say)) fail_msg("'%s' does not say '%s'", lt_message(), cases[i].say);
        backend_reference.close(device);
    }
}

static void a_wrong_model_is_an_error_with_its_layer(void **state)
{
    struct graph *g = graph_new(1);
    struct value *image = graph_input(g, "image", DTYPE_REAL, SHAPE(1, 2, 2, 3));
    struct plan *plan = NULL;
    struct device *device;
    (void)state;
    assert_int_equal(backend_reference.open(&device, &(struct device_options){0}), LT_OK);
    struct value *y = conv2d(g, image, "features.0", (struct conv2d_options){.out_channels = 4, .kernel = {7, 7}});
    y = relu(g, y, "features.1");
    const struct plan_options options = {.backend = &backend_reference, .device = device, .real = DTYPE_F64};
    assert_int_equal(plan_build(&plan, g, (struct plan_outputs){.output = {y}, .count = 1}, &options), LT_ESHAPE);
    assert_non_null(strstr(lt_message(), "layer features.0"));
    backend_reference.close(device);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(a_short_batch_counts_only_its_samples),
        cmocka_unit_test(accumulation_equals_one_batch),
        cmocka_unit_test(clipping_bounds_what_the_optimizer_sees),
        cmocka_unit_test(watched_updates_tell_more),
        cmocka_unit_test(no_decay_patterns_make_a_group),
        cmocka_unit_test(frozen_parameters_cost_nothing),
        cmocka_unit_test(evaluation_needs_no_training_memory),
        cmocka_unit_test(running_allocates_nothing),
        cmocka_unit_test(what_a_backend_lacks_is_named),
        cmocka_unit_test(a_wrong_model_is_an_error_with_its_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
