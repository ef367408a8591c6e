/* What every backend promises beside its kernels: memory, copies, the functions over flat memory against plain sums,
 * and optimizer updates against the reference; with the same bits for any number of threads. */
#include "engine/backends/backend.h"

#include "data/base/memory.h"
#include "engine/backends/flat.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct backend *const backends[] = {
#define BACKEND(name) &backend_##name,
#include "engine/backends/backends.def"
#undef BACKEND
};
enum { BACKENDS = sizeof backends / sizeof *backends };

/* Three parameters with gaps, the last long enough to be cut into chunks. */
static const struct segment segments[] = {{0, 100, 0}, {128, 64, 1}, {192, 70001, 0}};
enum { SEGMENTS = 3, COUNT = 192 + 70016 };

/* ---- kit: flat arrays on a device, and their elements as double ---- */

struct flat {
    const struct backend *backend;
    struct device *device;
    enum dtype real;
};

static struct flat open_flat(const struct backend *backend, enum dtype real, int threads)
{
    struct flat self = {.backend = backend, .real = real};
    assert_int_equal(backend->open(&self.device, &(struct device_options){.threads = threads}), LT_OK);
    return self;
}

static void *put(const struct flat *self, const double *values)
{
    const size_t bytes = COUNT * dtype_bytes(self->real);
    float *narrow = memory_new(COUNT, sizeof *narrow);
    for (int i = 0; i < COUNT; i++) narrow[i] = (float)values[i];
    void *device = self->backend->allocate(self->device, bytes);
    self->backend->copy_in(self->device, device, self->real == DTYPE_F64 ? (const void *)values : narrow, bytes);
    self->backend->synchronize(self->device);
    free(narrow);
    return device;
}

/* Copies back and releases. */
static void take(const struct flat *self, void *device, double *values)
{
    void *host = memory_new(COUNT, sizeof(double));
    self->backend->copy_out(self->device, host, device, COUNT * dtype_bytes(self->real));
    self->backend->synchronize(self->device);
    for (int i = 0; i < COUNT; i++)
        values[i] = self->real == DTYPE_F64 ? ((double *)host)[i] : (double)((float *)host)[i];
    free(host);
    self->backend->release(self->device, device);
}

static double *numbers(int seed)
{
    double *values = memory_new(COUNT, sizeof *values);
    for (int s = 0; s < SEGMENTS; s++)
        for (int64_t i = segments[s].offset; i < segments[s].offset + segments[s].count; i++)
            values[i] = (double)(float)(sin(0.7 * (double)i + seed) * (double)(1 + i % 5));
    return values;
}

/* Calls test() for each backend and real type it has. */
static void for_each(void (*test)(const struct backend *backend, enum dtype real))
{
    for (int b = 0; b < BACKENDS; b++) {
        test(backends[b], DTYPE_F32);
        if (backends[b]->has_f64) test(backends[b], DTYPE_F64);
    }
}

/* ---- memory ---- */

static void backends_are_found(void **state)
{
    (void)state;
    for (int b = 0; b < BACKENDS; b++) assert_ptr_equal(backend_find(backends[b]->name), backends[b]);
    assert_ptr_equal(backend_find("reference"), &backend_reference);
    assert_null(backend_find("abacus"));
}

static void memory_is_aligned_and_zero(void **state)
{
    (void)state;
    for (int b = 0; b < BACKENDS; b++) {
        struct flat f = open_flat(backends[b], DTYPE_F32, 1);
        for (size_t bytes = 1; bytes < 5000; bytes = bytes * 3 + 1) {
            unsigned char host[5000];
            void *memory = f.backend->allocate(f.device, bytes);
            assert_int_equal((uintptr_t)memory % 256, 0);
            memset(host, 1, sizeof host);
            f.backend->copy_out(f.device, host, memory, bytes);
            f.backend->synchronize(f.device);
            for (size_t i = 0; i < bytes; i++) assert_int_equal(host[i], 0);
            assert_true(host[bytes] == 1 || bytes == sizeof host);
            memset(host, 7, bytes);
            f.backend->copy_in(f.device, memory, host, bytes);
            f.backend->synchronize(f.device);
            memset(host, 0, sizeof host);
            f.backend->copy_out(f.device, host, memory, bytes);
            f.backend->synchronize(f.device);
            for (size_t i = 0; i < bytes; i++) assert_int_equal(host[i], 7);
            f.backend->fill_zero(f.device, memory, bytes);
            f.backend->copy_out(f.device, host, memory, bytes);
            f.backend->synchronize(f.device);
            for (size_t i = 0; i < bytes; i++) assert_int_equal(host[i], 0);
            f.backend->release(f.device, memory);
        }
        assert_null(f.backend->allocate(f.device, SIZE_MAX));
        f.backend->release(f.device, NULL);
        f.backend->close(f.device);
    }
}

/* ---- flat functions ---- */

/* Square sums of `values`, out[SEGMENTS + 1], with `threads`. */
static void square_sums(const struct backend *backend, enum dtype real, int threads, const double *values, double *out)
{
    struct flat f = open_flat(backend, real, threads);
    void *gradient = put(&f, values);
    double *sums = f.backend->allocate(f.device, (SEGMENTS + 1) * sizeof *sums);
    f.backend->flat(f.device)->square_sums(f.device, real, sums, gradient, segments, SEGMENTS);
    f.backend->copy_out(f.device, out, sums, (SEGMENTS + 1) * sizeof *sums);
    f.backend->synchronize(f.device);
    f.backend->release(f.device, sums), f.backend->release(f.device, gradient);
    f.backend->close(f.device);
}

static void check_square_sums(const struct backend *backend, enum dtype real)
{
    double *values = numbers(1), sums[SEGMENTS + 1], again[SEGMENTS + 1], total = 0;
    square_sums(backend, real, 1, values, sums);
    for (int s = 0; s < SEGMENTS; s++) {
        long double exact = 0;
        for (int64_t i = 0; i < segments[s].count; i++)
            exact += (long double)values[segments[s].offset + i] * values[segments[s].offset + i];
        assert_true(fabsl(sums[s] - exact) <= 1e-13L * exact);
        total += sums[s];
    }
    assert_true(sums[SEGMENTS] == total);
    for (int threads = 2; threads <= 3; threads++) {
        square_sums(backend, real, threads, values, again);
        assert_memory_equal(again, sums, sizeof sums);
    }
    values[192 + 50000] = NAN, values[5] = INFINITY;
    square_sums(backend, real, 1, values, again);
    assert_true(isinf(again[0]) && again[1] == sums[1] && isnan(again[2]) && isnan(again[SEGMENTS]));
    free(values);
}

static void square_sums_are_exact(void **state)
{
    (void)state;
    for_each(check_square_sums);
}

/* Zeros and values that are not finite are counted where they lie; not at all while all are finite and it is asked for
 * only then. How far two arrays are apart is summed by segments. */
static void check_counts_and_changes(const struct backend *backend, enum dtype real)
{
    struct flat f = open_flat(backend, real, 2);
    double *values = numbers(1), *after = numbers(2), *out[4], host[SEGMENTS], square[2] = {NAN, 1};
    values[3] = values[192] = values[192 + 70000] = 0, values[130] = NAN, values[140] = -INFINITY;
    void *gradient = put(&f, values), *later = put(&f, after);
    for (int i = 0; i < 4; i++) out[i] = f.backend->allocate(f.device, sizeof host);
    double *condition = f.backend->allocate(f.device, sizeof square);
    f.backend->copy_in(f.device, condition, square, sizeof square);
    const double zeros[3][SEGMENTS] = {{0}, {1, 0, 2}, {1, 0, 2}}, nonfinite[3][SEGMENTS] = {{0}, {0, 2, 0}, {0, 2, 0}};
    for (int i = 0; i < 3; i++) { /* finite: nothing; not finite; always */
        const struct flat_counts counts = {out[0], out[1], i == 2 ? NULL : i == 1 ? condition : condition + 1};
        f.backend->flat(f.device)->counts(f.device, real, &counts, gradient, segments, SEGMENTS);
        f.backend->copy_out(f.device, host, out[0], sizeof host), f.backend->synchronize(f.device);
        assert_memory_equal(host, zeros[i], sizeof host);
        f.backend->copy_out(f.device, host, out[1], sizeof host), f.backend->synchronize(f.device);
        assert_memory_equal(host, nonfinite[i], sizeof host);
    }
    const struct flat_changes changes = {out[2], out[3], gradient};
    f.backend->flat(f.device)->changes(f.device, real, &changes, later, segments, SEGMENTS);
    f.backend->copy_out(f.device, host, out[2], sizeof host), f.backend->synchronize(f.device);
    double change = 0, size = 0;
    for (int64_t i = 192; i < 192 + 70001; i++)
        change += (after[i] - values[i]) * (after[i] - values[i]), size += values[i] * values[i];
    assert_true(fabs(host[2] / change - 1) < 1e-12 && isnan(host[1]));
    f.backend->copy_out(f.device, host, out[3], sizeof host), f.backend->synchronize(f.device);
    assert_true(fabs(host[2] / size - 1) < 1e-12);
    for (int i = 0; i < 4; i++) f.backend->release(f.device, out[i]);
    f.backend->release(f.device, condition), f.backend->release(f.device, gradient),
        f.backend->release(f.device, later);
    f.backend->close(f.device);
    free(values), free(after);
}

static void counts_and_changes(void **state)
{
    (void)state;
    for_each(check_counts_and_changes);
}

static double clip_factor(const struct backend *backend, double square, double max_norm)
{
    struct flat f = open_flat(backend, DTYPE_F32, 1);
    double *memory = f.backend->allocate(f.device, 2 * sizeof *memory), host[2] = {0, square};
    f.backend->copy_in(f.device, memory, host, sizeof host);
    f.backend->flat(f.device)->clip_factor(f.device, memory, memory + 1, max_norm);
    f.backend->copy_out(f.device, host, memory, sizeof host);
    f.backend->synchronize(f.device);
    f.backend->release(f.device, memory);
    f.backend->close(f.device);
    return host[0];
}

/* torch.nn.utils.clip_grad_norm_: max_norm / (norm + 1e-6), at most 1. */
static void clip_factors_are_torchs(void **state)
{
    (void)state;
    for (int b = 0; b < BACKENDS; b++) {
        assert_true(fabs(clip_factor(backends[b], 16, 1) - 1 / (4 + 1e-6)) <= 1e-16);
        assert_true(clip_factor(backends[b], 0.25, 1) == 1);
        assert_true(clip_factor(backends[b], 0, 1) == 1);
        assert_true(clip_factor(backends[b], 1e12, 0) == 1);
        assert_true(isnan(clip_factor(backends[b], NAN, 1)));
        assert_true(clip_factor(backends[b], INFINITY, 1) == 0);
    }
}

static void check_accumulate_and_clip(const struct backend *backend, enum dtype real)
{
    double *a = numbers(2), *b = numbers(3), *sum = memory_new(COUNT, sizeof *sum), factor = 0.25;
    b[7] = NAN;
    struct flat f = open_flat(backend, real, 2);
    const struct flat_functions *flat = f.backend->flat(f.device);
    void *garbage = put(&f, b), *first = put(&f, a), *second = put(&f, b);
    double *device_factor = f.backend->allocate(f.device, sizeof factor);
    f.backend->copy_in(f.device, device_factor, &factor, sizeof factor);
    flat->accumulate(f.device, real, garbage, first, COUNT, 1); /* overwrites: the NaN goes */
    flat->accumulate(f.device, real, garbage, first, COUNT, 0);
    flat->clip(f.device, real, garbage, COUNT, device_factor, 1.5);
    flat->clip(f.device, real, second, COUNT, device_factor, 0);
    take(&f, garbage, sum);
    for (int i = 0; i < COUNT; i++) {
        const double expected = fmin(fmax(2 * a[i] * factor, -1.5), 1.5);
        assert_true(fabs(sum[i] - expected) <= 1e-7 * fabs(expected));
    }
    take(&f, second, sum);
    for (int i = 0; i < COUNT; i++) assert_true(i == 7 ? isnan(sum[i]) : fabs(sum[i] - b[i] * factor) <= 1e-6);
    f.backend->release(f.device, first), f.backend->release(f.device, device_factor);
    f.backend->close(f.device);
    free(a), free(b), free(sum);
}

static void check_clip_keeps_nan(const struct backend *backend, enum dtype real)
{
    double *a = numbers(2), one = 1;
    a[70] = NAN, a[71] = INFINITY, a[72] = -INFINITY;
    struct flat f = open_flat(backend, real, 1);
    void *gradient = put(&f, a);
    double *factor = f.backend->allocate(f.device, sizeof one);
    f.backend->copy_in(f.device, factor, &one, sizeof one);
    f.backend->flat(f.device)->clip(f.device, real, gradient, COUNT, factor, 2);
    take(&f, gradient, a);
    assert_true(isnan(a[70]) && a[71] == 2 && a[72] == -2);
    f.backend->release(f.device, factor);
    f.backend->close(f.device);
    free(a);
}

static void gradients_are_summed_and_clipped(void **state)
{
    (void)state;
    for_each(check_accumulate_and_clip);
    for_each(check_clip_keeps_nan);
}

/* ---- updates ---- */

enum { UPDATES = 3 };

/* Parameters after some updates; NULL when the backend has none for this optimizer. */
static double *train(const struct backend *backend, enum dtype real, int threads, const struct optimizer_choice *choice)
{
    struct flat f = open_flat(backend, real, threads);
    update_function *update = f.backend->update(f.device, choice->id);
    double *values = numbers(4), *gradient = numbers(5);
    struct optimizer_call call = {.options = choice->options, .real = real, .segments = SEGMENTS};
    const struct group_scalars group[2] = {{0.01, 0.1}, {0.02, 0}};
    int64_t *step = f.backend->allocate(f.device, sizeof *step);
    struct group_scalars *groups = f.backend->allocate(f.device, sizeof group);
    f.backend->copy_in(f.device, groups, group, sizeof group);
    void *states[OPTIMIZER_STATES_MAX];
    for (int i = 0; i < OPTIMIZER_STATES_MAX; i++)
        states[i] = call.state[i] = f.backend->allocate(f.device, COUNT * dtype_bytes(real));
    void *parameter = call.parameter = put(&f, values), *slopes = put(&f, gradient);
    call.gradient = slopes, call.segment = segments, call.group = groups, call.step = step;
    call.pool = f.backend->pool(f.device);
    for (int64_t t = 1; update && t <= UPDATES; t++) {
        f.backend->copy_in(f.device, step, &t, sizeof t);
        update(&call);
        f.backend->synchronize(f.device);
    }
    take(&f, parameter, values), take(&f, slopes, gradient);
    for (int i = 0; i < OPTIMIZER_STATES_MAX; i++) f.backend->release(f.device, states[i]);
    f.backend->release(f.device, step), f.backend->release(f.device, groups);
    f.backend->close(f.device);
    free(gradient);
    if (!update) free(values), values = NULL;
    return values;
}

/* Float arithmetic may round each of the updates once or twice differently. */
static void compare_update(const struct backend *backend, const struct optimizer_choice *choice)
{
    double *expected = train(&backend_reference, DTYPE_F32, 1, choice), *got = train(backend, DTYPE_F32, 1, choice);
    double *start = numbers(4);
    if (!got) print_message("  the %s backend has no update for %s yet\n", backend->name, choice->optimizer->name);
    for (int i = 0; got && i < COUNT; i++) {
        const double size = fmax(fmax(fabs(start[i]), fabs(expected[i])), 0.05);
        if (!(fabs(got[i] - expected[i]) <= 4e-7 * size))
            fail_msg("%s on %s: parameter %d is %.9g, not %.9g", choice->optimizer->name, backend->name, i, got[i],
                     expected[i]);
    }
    for (int threads = 2; got && threads <= 3; threads++) {
        double *again = train(backend, DTYPE_F32, threads, choice);
        assert_memory_equal(again, got, COUNT * sizeof *got);
        free(again);
    }
    free(expected), free(got), free(start);
}

static void updates_agree(void **state)
{
    (void)state;
    static const char *const yaml[] = {"{name: sgd}", "{name: sgd, momentum: 0.9, dampening: 0.1}",
                                       "{name: sgd, momentum: 0.9, nesterov: true}", "{name: adam}", "{name: adamw}"};
    int seen[OPTIMIZER_COUNT] = {0};
    for (size_t i = 0; i < sizeof yaml / sizeof *yaml; i++) {
        struct setting *root;
        struct optimizer_choice choice;
        assert_int_equal(setting_parse(&root, yaml[i], "test"), LT_OK);
        assert_int_equal(optimizer_read(&choice, root), LT_OK);
        setting_free(root);
        seen[choice.id]++;
        for (int b = 0; b < BACKENDS; b++)
            if (backends[b] != &backend_reference) compare_update(backends[b], &choice);
        optimizer_release(&choice);
    }
    for (int id = 0; id < OPTIMIZER_COUNT; id++)
        if (!seen[id]) fail_msg("add %s to this test", optimizer_at(id)->name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backends_are_found),      cmocka_unit_test(memory_is_aligned_and_zero),
        cmocka_unit_test(square_sums_are_exact),   cmocka_unit_test(counts_and_changes),
        cmocka_unit_test(clip_factors_are_torchs), cmocka_unit_test(gradients_are_summed_and_clipped),
        cmocka_unit_test(updates_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
