/* Parameters and buffers of a plan: flat layout, initial values, and the way to and from torch's layout. */
#include "data/base/memory.h"
#include "engine/backends/pool.h"
#include "engine/graph/plan_internal.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* ---- layout ---- */

static int64_t align_elements(int64_t n)
{
    return (n + FLAT_ALIGN - 1) / FLAT_ALIGN * FLAT_ALIGN;
}

static int group_of(const struct plan *plan, const struct value *value)
{
    for (size_t i = 0; i < plan->options.no_decay_count; i++)
        if (fnmatch(plan->options.no_decay[i], value->name, 0) == 0) return 1;
    return 0;
}

static void add_segment(struct plan *plan, int index)
{
    const struct value *value = plan->parameter[index];
    plan->norm_index[index] = -1;
    if (value->kind != VALUE_PARAMETER || value->frozen || !plan->options.training) return;
    plan->norm_index[index] = (int)plan->segments;
    plan->segment[plan->segments++] = (struct segment){
        .offset = plan->offset[index], .count = shape_count(value->shape), .group = group_of(plan, value)};
}

void plan_lay_out_parameters(struct plan *plan)
{
    size_t room = plan->graph->value_count + 1;
    plan->parameter = memory_new(room, sizeof *plan->parameter);
    plan->offset = memory_new(room, sizeof *plan->offset);
    plan->segment = memory_new(room, sizeof *plan->segment);
    plan->norm_index = memory_new(room, sizeof *plan->norm_index);
    for (size_t i = 0; i < plan->graph->value_count; i++) {
        struct value *value = plan->graph->value[i];
        if (value->kind != VALUE_PARAMETER && value->kind != VALUE_BUFFER) continue;
        int index = plan->tensors++;
        plan->parameter[index] = value;
        if (value->kind == VALUE_PARAMETER) {
            plan->offset[index] = plan->flat_count;
            plan->flat_count += align_elements(shape_count(value->shape));
        } else {
            plan->offset[index] = (int64_t)plan->buffer_bytes;
            plan->buffer_bytes += (plan_bytes(plan, value) + 255) / 256 * 256;
        }
        add_segment(plan, index);
    }
}

/* ---- initial values ---- */

/* torch.nn.init._calculate_fan_in_and_fan_out of an OHWI or [out, in] weight. */
static void fans(const struct value *value, double *fan_in, double *fan_out)
{
    const int64_t *size = value->shape.size;
    double field = value->shape.rank == 4 ? (double)(size[1] * size[2]) : 1;
    double in = (double)size[value->shape.rank - 1], out = (double)size[0];
    *fan_in = in * field;
    *fan_out = out * field;
}

static double draw(struct rng *rng, struct init init, double fan_in, double fan_out)
{
    switch (init.kind) {
    case INIT_ZEROS: return 0;
    case INIT_ONES: return 1;
    case INIT_CONSTANT: return init.a;
    case INIT_NORMAL: return init.a * rng_normal(rng);
    case INIT_UNIFORM: return init.a * (2 * rng_uniform_double(rng) - 1);
    case INIT_KAIMING_NORMAL_FAN_OUT: return sqrt(2 / fan_out) * rng_normal(rng);
    case INIT_KAIMING_UNIFORM_FAN_IN:
        return sqrt(6 / ((1 + init.a * init.a) * fan_in)) * (2 * rng_uniform_double(rng) - 1);
    case INIT_XAVIER_UNIFORM: return (2 * rng_uniform_double(rng) - 1) * sqrt(6 / (fan_in + fan_out));
    case INIT_FAN_IN_UNIFORM: return (2 * rng_uniform_double(rng) - 1) / sqrt(init.a);
    }
    return 0;
}

static void initialise(struct plan *plan, const struct value *value, struct tensor tensor, uint64_t seed)
{
    int64_t count = shape_count(value->shape);
    size_t width = dtype_bytes(tensor.dtype);
    void *host = memory_new((size_t)count, width);
    uint64_t name = XXH3_64bits(value->name, strlen(value->name));
    struct rng rng = rng_at(rng_key(seed, RNG_INIT), (uint32_t)name, (uint32_t)(name >> 32), 0);
    double fan_in, fan_out;
    fans(value, &fan_in, &fan_out);
    for (int64_t i = 0; tensor.dtype != DTYPE_I64 && i < count; i++) {
        double x = draw(&rng, value->init, fan_in, fan_out);
        if (tensor.dtype == DTYPE_F64)
            ((double *)host)[i] = x;
        else
            ((float *)host)[i] = (float)x;
    }
    plan->options.backend->copy_in(plan->options.device, tensor.data, host, (size_t)count * width);
    plan->options.backend->synchronize(plan->options.device);
    free(host);
}

struct initialisation {
    struct plan *plan;
    uint64_t seed;
};

static void initialise_one(void *context, int64_t i, int thread)
{
    (void)thread;
    const struct initialisation *job = context;
    const struct value *value = job->plan->parameter[i];
    initialise(job->plan, value, job->plan->place[value->id].tensor, job->seed);
}

void plan_initialise(struct plan *plan, uint64_t seed)
{
    struct pool *pool = plan->options.backend->pool(plan->options.device);
    struct initialisation job = {plan, seed};
    if (pool)
        pool_run(pool, plan->tensors, initialise_one, &job);
    else
        for (int i = 0; i < plan->tensors; i++) initialise_one(&job, i, 0);
}

/* ---- torch's layout: OIHW for convolution weights, the same for everything else ---- */

/* Copies between OHWI and OIHW; `to_torch` says which way. */
static void permute(char *to, const char *from, struct shape ohwi, size_t width, bool to_torch)
{
    int64_t o = ohwi.size[0], hw = ohwi.size[1] * ohwi.size[2], in = ohwi.size[3];
    for (int64_t a = 0; a < o; a++)
        for (int64_t b = 0; b < hw; b++)
            for (int64_t c = 0; c < in; c++) {
                size_t inner = (size_t)((a * hw + b) * in + c) * width, torch = (size_t)((a * in + c) * hw + b) * width;
                memcpy(to + (to_torch ? torch : inner), from + (to_torch ? inner : torch), width);
            }
}

void plan_get(const struct plan *plan, struct tensor tensor, const struct value *value, void *host)
{
    const struct backend *backend = plan->options.backend;
    size_t width = dtype_bytes(tensor.dtype), bytes = (size_t)shape_count(value->shape) * width;
    char *inner = memory_new(bytes, 1);
    backend->copy_out(plan->options.device, inner, tensor.data, bytes);
    backend->synchronize(plan->options.device);
    if (value->shape.rank == 4)
        permute(host, inner, value->shape, width, true);
    else
        memcpy(host, inner, bytes);
    free(inner);
}

void plan_set(struct plan *plan, struct tensor tensor, const struct value *value, const void *host)
{
    const struct backend *backend = plan->options.backend;
    size_t width = dtype_bytes(tensor.dtype), bytes = (size_t)shape_count(value->shape) * width;
    char *inner = memory_new(bytes, 1);
    if (value->shape.rank == 4)
        permute(inner, host, value->shape, width, false);
    else
        memcpy(inner, host, bytes);
    backend->copy_in(plan->options.device, tensor.data, inner, bytes);
    backend->synchronize(plan->options.device);
    free(inner);
}

/* ---- by index ---- */

int plan_tensor_count(const struct plan *plan)
{
    return plan->tensors;
}

int plan_norm_index(const struct plan *plan, int index)
{
    return plan->norm_index[index];
}

struct plan_tensor plan_tensor(const struct plan *plan, int index)
{
    const struct value *value = plan->parameter[index];
    const struct place *place = &plan->place[value->id];
    struct plan_tensor result = {.value = value, .tensor = place->tensor};
    if (plan->norm_index[index] < 0) return result;
    const size_t at = (size_t)plan->offset[index] * dtype_bytes(plan->options.real);
    result.gradient = place->gradient;
    if (plan->options.accumulate) result.gradient.data = plan->accumulated + at;
    for (int s = 0; s < optimizer_at(plan->options.optimizer)->states; s++) {
        result.state[s] = place->tensor;
        result.state[s].data = plan->state[s] + at;
    }
    return result;
}
