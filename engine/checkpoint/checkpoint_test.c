/* Checkpoints of a small model on the reference backend: what is saved comes back to the bit; what does not fit is
 * named. */
#include "data/base/memory.h"
#include "data/base/path.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/checkpoint/safetensors.h"
#include "engine/ops/ops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char path[] = "checkpoint_test.ckpt";
static const char plain[] = "checkpoint_test.safetensors";
static struct device *device;
static void *adamw;

static struct graph *build_graph(int64_t classes, int64_t channels, struct value **loss)
{
    struct graph *g = graph_new(2);
    struct value *x = graph_input(g, "image", DTYPE_REAL, SHAPE(2, 4, 4, 3)),
                 *target = graph_input(g, "target", DTYPE_I32, SHAPE(2));
    struct init init = {INIT_KAIMING_UNIFORM_FAN_IN, 1};
    x = conv2d(g, x, "conv", (struct conv2d_options){.out_channels = channels, .kernel = {3, 2}, .init = init});
    x = batch_norm(g, x, "bn", (struct batch_norm_options){0});
    x = flatten(g, adaptive_avg_pool2d(g, x, "pool", 1, 1), "flatten");
    x = linear(g, x, "fc", (struct linear_options){.out_features = classes, .bias = true, .init = init});
    *loss = cross_entropy(g, x, target, "loss", 0);
    return g;
}

static struct plan *build(int64_t classes, int64_t channels, uint64_t seed)
{
    struct value *loss;
    struct graph *g = build_graph(classes, channels, &loss);
    struct plan_options options = {.backend = &backend_reference,
                                   .device = device,
                                   .real = DTYPE_F32,
                                   .training = true,
                                   .optimizer = OPTIMIZER_adamw,
                                   .optimizer_options = adamw};
    struct plan *plan;
    assert_int_equal(plan_build(&plan, g, (struct plan_outputs){.loss = loss, .output = {loss}, .count = 1}, &options),
                     LT_OK);
    plan_initialise(plan, seed);
    return plan;
}

static void train_once(struct plan *plan)
{
    float image[2 * 4 * 4 * 3];
    const int32_t target[2] = {0, 1};
    const int64_t sample[2] = {0, 1};
    for (int i = 0; i < 96; i++) image[i] = (float)(i % 7) - 3;
    plan_set_input(plan, "image", image, sizeof image);
    plan_set_input(plan, "target", target, sizeof target);
    struct plan_step step = {.n = 2, .sample = sample, .loss_weight = 0.5, .first = true, .last = true};
    double lr[OPTIMIZER_GROUPS_MAX] = {1e-2, 1e-2, 1e-2, 1e-2};
    plan_forward(plan, &step);
    plan_backward(plan, &step);
    plan_update(plan, lr, 1);
}

static void *copy_out(const struct plan *plan, const struct value *value, struct tensor tensor, size_t *bytes)
{
    *bytes = (size_t)shape_count(value->shape) * dtype_bytes(tensor.dtype);
    void *host = memory_new(*bytes, 1);
    plan_get(plan, tensor, value, host);
    return host;
}

static void assert_same(const struct plan *a, const struct plan *b, bool states)
{
    for (int i = 0; i < plan_tensor_count(a); i++) {
        struct plan_tensor x = plan_tensor(a, i), y = plan_tensor(b, i);
        for (int s = -1; s < (states && x.state[0].data ? 2 : 0); s++) {
            size_t bytes;
            void *left = copy_out(a, x.value, s < 0 ? x.tensor : x.state[s], &bytes);
            void *right = copy_out(b, y.value, s < 0 ? y.tensor : y.state[s], &bytes);
            assert_memory_equal(left, right, bytes);
            free(left);
            free(right);
        }
    }
}

static void save(struct plan *plan)
{
    json_t *state = json_pack("{s:i}", "epoch", 3);
    assert_int_equal(checkpoint_save(path, plan, state), LT_OK);
    json_decref(state);
}

static void comes_back_to_the_bit(void **state)
{
    (void)state;
    struct plan *a = build(3, 4, 1), *b = build(3, 4, 2);
    train_once(a);
    save(a);
    assert_int_equal(checkpoint_load(b, path, true), LT_OK);
    assert_same(a, b, true);
    json_t *json;
    assert_int_equal(checkpoint_state(&json, path), LT_OK);
    assert_int_equal(json_integer_value(json_object_get(json, "epoch")), 3);
    json_decref(json);
    plan_free(a);
    plan_free(b);
}

static void layout_is_torchs(void **state)
{
    (void)state;
    struct plan *a = build(3, 4, 1);
    save(a);
    struct safetensors *file;
    struct safetensors_tensor t;
    assert_int_equal(safetensors_open(&file, path), LT_OK);
    assert_true(safetensors_find(file, "model.conv.weight", &t));
    assert_true(shape_equal(t.shape, SHAPE(4, 3, 3, 2)));
    assert_true(safetensors_find(file, "model.bn.num_batches_tracked", &t));
    assert_true(t.shape.rank == 0 && t.dtype == DTYPE_I64);
    assert_true(safetensors_find(file, "optimizer.exp_avg_sq.fc.bias", &t));
    safetensors_close(file);
    plan_free(a);
}

static void other_models_are_named(void **state)
{
    (void)state;
    struct plan *a = build(3, 4, 1), *wide = build(3, 5, 1);
    save(a);
    assert_int_equal(checkpoint_load(wide, path, true), LT_ESHAPE);
    assert_non_null(
        strstr(lt_message(), "model.conv.weight has the shape [4, 3, 3, 2] but this model wants [5, 3, 3, 2]"));
    assert_int_equal(weights_export(plain, path), LT_OK);
    assert_int_equal(checkpoint_load(a, plain, true), LT_EFORMAT);
    assert_non_null(strstr(lt_message(), "is no checkpoint of lathe; plain weights are given as model.weights"));
    plan_free(a);
    plan_free(wide);
}

static void weights_go_to_other_class_counts(void **state)
{
    (void)state;
    struct plan *a = build(3, 4, 1), *b = build(3, 4, 2), *more = build(7, 4, 2);
    int skipped;
    train_once(a);
    save(a);
    assert_int_equal(weights_export(plain, path), LT_OK);
    assert_int_equal(weights_load(b, plain, "fc", &skipped), LT_OK);
    assert_int_equal(skipped, 0);
    assert_same(a, b, false);
    assert_int_equal(weights_load(more, plain, "fc", &skipped), LT_OK);
    assert_int_equal(skipped, 2);
    assert_int_equal(weights_load(more, path, "fc", &skipped), LT_OK);
    assert_int_equal(skipped, 2);
    assert_int_equal(weights_load(more, plain, "", &skipped), LT_ESHAPE);
    plan_free(a);
    plan_free(b);
    plan_free(more);
}

/* Weights in bfloat16, as many models are published: the upper halves of the floats. */
static void narrow_weights_are_widened(void **state)
{
    (void)state;
    struct plan *a = build(3, 4, 1), *b = build(3, 4, 2);
    struct safetensors_tensor tensor[16];
    uint16_t *half[16] = {0};
    int count = 0, skipped;
    for (; count < plan_tensor_count(a); count++) {
        const struct plan_tensor t = plan_tensor(a, count);
        size_t bytes;
        uint32_t *bits = copy_out(a, t.value, t.tensor, &bytes);
        const bool real = t.tensor.dtype == DTYPE_F32;
        half[count] = memory_new(bytes, 1);
        if (!real) memcpy(half[count], bits, bytes);
        for (size_t i = 0; real && i < bytes / 4; i++)
            half[count][i] = (uint16_t)(bits[i] >> 16), bits[i] &= 0xffff0000u;
        if (real) plan_set(a, t.tensor, t.value, bits);
        const int64_t *s = t.value->shape.size;
        tensor[count] = (struct safetensors_tensor){.name = t.value->name,
                                                    .dtype = real ? DTYPE_BF16 : t.tensor.dtype,
                                                    .shape = t.value->shape,
                                                    .data = half[count]};
        if (t.value->shape.rank == 4) tensor[count].shape = SHAPE(s[0], s[3], s[1], s[2]);
        free(bits);
    }
    assert_int_equal(safetensors_write(plain, tensor, count, NULL, 0, false), LT_OK);
    assert_int_equal(weights_load(b, plain, "", &skipped), LT_OK);
    assert_same(a, b, false);
    for (int i = 0; i < count; i++) free(half[i]);
    plan_free(a);
    plan_free(b);
}

/* Before there is a plan: what loading would refuse, and tensors too many. */
static void a_graph_tells_whether_weights_suit(void **state)
{
    (void)state;
    struct plan *a = build(3, 4, 1);
    struct value *loss;
    struct graph *same = build_graph(3, 4, &loss), *more = build_graph(7, 4, &loss), *less = graph_new(2);
    save(a);
    assert_int_equal(weights_export(plain, path), LT_OK);
    for (int i = 0; i < 2; i++) {
        const char *file = i ? plain : path;
        assert_int_equal(weights_check(same, file, ""), LT_OK);
        assert_int_equal(weights_check(more, file, "fc"), LT_OK);
        assert_int_equal(weights_check(more, file, ""), LT_ESHAPE);
        assert_int_equal(weights_check(less, file, ""), LT_EFORMAT);
        assert_non_null(strstr(lt_message(), "that this model lacks"));
    }
    graph_parameter(same, "head", "weight", SHAPE(2), (struct init){0});
    assert_int_equal(weights_check(same, plain, "fc"), LT_EFORMAT);
    assert_non_null(strstr(lt_message(), "has no tensor head.weight"));
    graph_free(same), graph_free(more), graph_free(less);
    plan_free(a);
}

static int open_device(void **state)
{
    (void)state;
    struct device_options options = {0};
    adamw = memory_new(1, optimizer_adamw.bound_bytes);
    if (options_bind(adamw, optimizer_adamw.table, NULL) != LT_OK) return 1;
    return backend_reference.open(&device, &options) == LT_OK ? 0 : 1;
}

static int close_device(void **state)
{
    (void)state;
    options_release(adamw, optimizer_adamw.table);
    free(adamw);
    backend_reference.close(device);
    unlink(path);
    unlink(plain);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_to_the_bit),      cmocka_unit_test(layout_is_torchs),
        cmocka_unit_test(other_models_are_named),     cmocka_unit_test(weights_go_to_other_class_counts),
        cmocka_unit_test(narrow_weights_are_widened), cmocka_unit_test(a_graph_tells_whether_weights_suit)};
    return cmocka_run_group_tests(tests, open_device, close_device);
}
