/* Parameters of a plan: initial values as torch draws them, and torch's layout at the border. */
#include "data/base/memory.h"
#include "data/base/rng.h"
#include "engine/graph/plan.h"
#include "engine/models/model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include <cmocka.h>

struct machine {
    struct device *device;
    struct plan *plan;
};

static void open_machine(struct machine *m, const char *model, uint64_t seed)
{
    assert_int_equal(backend_reference.open(&m->device, &(struct device_options){0}), LT_OK);
    struct graph *g = graph_new(1);
    struct value *image = graph_input(g, "image", DTYPE_REAL, SHAPE(1, 32, 32, 3));
    const struct model_options own = {.num_classes = 100, .dropout = -1, .stochastic_depth_prob = -1};
    struct value *logits = model_find(model)->build(g, image, &own);
    const struct plan_options options = {.backend = &backend_reference, .device = m->device, .real = DTYPE_F32};
    if (plan_build(&m->plan, g, (struct plan_outputs){.output = {logits}, .count = 1}, &options) != LT_OK)
        fail_msg("%s", lt_message());
    plan_initialise(m->plan, seed);
}

static void close_machine(struct machine *m)
{
    plan_free(m->plan);
    backend_reference.close(m->device);
}

/* The values of a tensor in torch's layout (caller frees). */
static float *values_of(const struct machine *m, const char *name, int64_t *count)
{
    for (int i = 0; i < plan_tensor_count(m->plan); i++) {
        const struct plan_tensor t = plan_tensor(m->plan, i);
        if (strcmp(t.value->name, name) != 0) continue;
        *count = shape_count(t.value->shape);
        float *values = memory_new((size_t)*count, sizeof *values);
        plan_get(m->plan, t.tensor, t.value, values);
        return values;
    }
    fail_msg("there is no %s", name);
    return NULL;
}

/* Compares with torch's minimum, maximum and standard deviation of one draw: they vary with the number of values. */
static void check_spread(const struct machine *m, const char *name, double least, double most, double deviation)
{
    int64_t count;
    float *values = values_of(m, name, &count);
    double low = INFINITY, high = -INFINITY, sum = 0, squares = 0;
    for (int64_t i = 0; i < count; i++) {
        low = fmin(low, values[i]), high = fmax(high, values[i]);
        sum += values[i], squares += (double)values[i] * values[i];
    }
    const double n = (double)count, mean = sum / n, own = sqrt(fmax(0, squares / n - mean * mean));
    if (deviation == 0) {
        assert_true((float)low == (float)least && (float)high == (float)most);
    } else {
        if (!(fabs(own / deviation - 1) < 6 / sqrt(2 * n)))
            fail_msg("%s: deviation %g, torch %g", name, own, deviation);
        if (!(fabs(mean) < 6 * deviation / sqrt(n))) fail_msg("%s: mean %g", name, mean);
        if (!(fabs(low / least - 1) < 0.35 && fabs(high / most - 1) < 0.35))
            fail_msg("%s: %g … %g, torch %g … %g", name, low, high, least, most);
    }
    free(values);
}

static void initial_values_are_torchs(void **state)
{
    char path[4096], line[256], model[64], name[128], open[64] = "";
    const char *root = getenv("LATHE_SOURCE_DIR");
    double least, most, deviation;
    struct machine m = {0};
    int checked = 0;
    (void)state;
    snprintf(path, sizeof path, "%s/tests/golden/expected/models.txt", root ? root : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "spread %63s %127s %lf %lf %lf", model, name, &least, &most, &deviation) != 5) continue;
        if (strcmp(open, model) != 0) {
            if (m.plan) close_machine(&m);
            open_machine(&m, model, 3);
            strcpy(open, model);
        }
        check_spread(&m, name, least, most, deviation);
        checked++;
    }
    assert_int_equal(checked, 26);
    close_machine(&m);
    fclose(file);
}

static void a_seed_and_a_name_make_the_values(void **state)
{
    static const char *const name = "layer2.0.conv1.weight";
    struct machine small, large, other;
    int64_t count;
    (void)state;
    open_machine(&small, "resnet18", 5);
    open_machine(&large, "resnet34", 5);
    open_machine(&other, "resnet18", 6);
    float *d = values_of(&small, "layer2.1.conv1.weight", &count), *a = values_of(&small, name, &count);
    float *b = values_of(&large, name, &count), *c = values_of(&other, name, &count);
    assert_memory_equal(a, b, (size_t)count * sizeof *a); /* whatever else the model has */
    assert_true(memcmp(a, c, 64 * sizeof *a) != 0 && memcmp(a, d, 64 * sizeof *a) != 0);
    free(a), free(b), free(c), free(d);
    close_machine(&small), close_machine(&large), close_machine(&other);
}

/* Threads draw pieces of a large tensor; together they are what one sequence gives. */
static void check_sequence(const struct machine *m, const char *name, double scale, bool normal)
{
    const uint64_t hash = XXH3_64bits(name, strlen(name));
    struct rng rng = rng_at(rng_key(5, RNG_INIT), (uint32_t)hash, (uint32_t)(hash >> 32), 0);
    for (int i = 0; i < plan_tensor_count(m->plan); i++) {
        const struct plan_tensor t = plan_tensor(m->plan, i);
        if (strcmp(t.value->name, name) != 0) continue;
        const float *drawn = t.tensor.data; /* the reference's memory is the host's */
        const int64_t count = shape_count(t.value->shape);
        assert_true(count > 3 << 14);
        for (int64_t k = 0; k < count; k++)
            assert_true(drawn[k] == (float)(scale * (normal ? rng_normal(&rng) : 2 * rng_uniform_double(&rng) - 1)));
        return;
    }
    fail_msg("there is no %s", name);
}

static void a_tensor_is_one_sequence(void **state)
{
    struct machine m;
    (void)state;
    open_machine(&m, "resnet18", 5);
    check_sequence(&m, "layer2.0.conv1.weight", sqrt(2.0 / (128 * 9)), true);
    check_sequence(&m, "fc.weight", sqrt(6 / ((1 + sqrt(5) * sqrt(5)) * 512)), false);
    close_machine(&m);
}

static void convolutions_travel_as_oihw(void **state)
{
    struct machine m;
    (void)state;
    open_machine(&m, "cnn", 1);
    for (int i = 0; i < plan_tensor_count(m.plan); i++) {
        const struct plan_tensor t = plan_tensor(m.plan, i);
        if (strcmp(t.value->name, "features.1.0.weight") != 0) continue;
        const int64_t *size = t.value->shape.size, count = shape_count(t.value->shape);
        float *torch = memory_new((size_t)count, sizeof *torch), *back = memory_new((size_t)count, sizeof *back);
        for (int64_t k = 0; k < count; k++) torch[k] = (float)k;
        plan_set(m.plan, t.tensor, t.value, torch);
        const float *inner = t.tensor.data; /* the reference's memory is the host's */
        for (int64_t o = 0, at = 0; o < size[0]; o++)
            for (int64_t h = 0; h < size[1]; h++)
                for (int64_t w = 0; w < size[2]; w++)
                    for (int64_t c = 0; c < size[3]; c++)
                        assert_true(inner[at++] == (float)(((o * size[3] + c) * size[1] + h) * size[2] + w));
        plan_get(m.plan, t.tensor, t.value, back);
        assert_memory_equal(torch, back, (size_t)count * sizeof *torch);
        free(torch), free(back);
        close_machine(&m);
        return;
    }
    fail_msg("the cnn has no features.1.0.weight");
}

static void parameters_lie_aligned_and_apart(void **state)
{
    struct machine m;
    (void)state;
    open_machine(&m, "efficientnet_b0", 1);
    const char *end = NULL;
    for (int i = 0; i < plan_tensor_count(m.plan); i++) {
        const struct plan_tensor t = plan_tensor(m.plan, i);
        if (t.value->kind != VALUE_PARAMETER) continue;
        const char *begin = t.tensor.data;
        assert_true((uintptr_t)begin % (FLAT_ALIGN * sizeof(float)) == 0);
        assert_true(end == NULL || (begin >= end && begin < end + FLAT_ALIGN * sizeof(float)));
        end = begin + (size_t)shape_count(t.value->shape) * sizeof(float);
    }
    assert_int_equal(plan_summarise(m.plan).parameters, 5288548 - 900 * 1281); /* torchvision's, with 100 classes */
    close_machine(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initial_values_are_torchs),        cmocka_unit_test(a_seed_and_a_name_make_the_values),
        cmocka_unit_test(a_tensor_is_one_sequence),         cmocka_unit_test(convolutions_travel_as_oihw),
        cmocka_unit_test(parameters_lie_aligned_and_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
