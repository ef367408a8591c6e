/* Parameters and buffers of a plan: flat layout, initial values, and the way to and from torch's layout. */
#include "data/base/memory.h"
#include "engine/backends/pool.h"
#include "engine/graph/plan_internal.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { PIECE = 1 << 14 }; /* values that a thread draws at a time; a multiple of four, as blocks of random words are */

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

/* What draw() multiplies by; for INIT_FAN_IN_UNIFORM what it divides by. */
static double scale_of(const struct value *value)
{
    double fan_in, fan_out;
    fans(value, &fan_in, &fan_out);
    const double a = value->init.a;
    switch (value->init.kind) {
    case INIT_KAIMING_NORMAL_FAN_OUT: return sqrt(2 / fan_out);
    case INIT_KAIMING_UNIFORM_FAN_IN: return sqrt(6 / ((1 + a * a) * fan_in));
    case INIT_XAVIER_UNIFORM: return sqrt(6 / (fan_in + fan_out));
    case INIT_FAN_IN_UNIFORM: return sqrt(a);
    default: return a;
    }
}

static double draw(struct rng *rng, enum init_kind kind, double scale)
{
    switch (kind) {
    case INIT_ZEROS: return 0;
    case INIT_ONES: return 1;
    case INIT_CONSTANT: return scale;
    case INIT_NORMAL:
    case INIT_KAIMING_NORMAL_FAN_OUT: return scale * rng_normal(rng);
    case INIT_UNIFORM:
    case INIT_KAIMING_UNIFORM_FAN_IN:
    case INIT_XAVIER_UNIFORM: return scale * (2 * rng_uniform_double(rng) - 1);
    case INIT_FAN_IN_UNIFORM: return (2 * rng_uniform_double(rng) - 1) / scale;
    }
    return 0;
}

/* Random words that one draw takes. */
static int words_of(enum init_kind kind)
{
    if (kind == INIT_ZEROS || kind == INIT_ONES || kind == INIT_CONSTANT) return 0;
    return kind == INIT_NORMAL || kind == INIT_KAIMING_NORMAL_FAN_OUT ? 4 : 2;
}

/* The values of one tensor from `begin` on, PIECE of them at most. */
struct piece {
    const struct value *value;
    int64_t begin;
};

struct initialisation {
    struct plan *plan;
    uint64_t seed;
    struct piece *piece;
};

/* The words of a tensor are numbered, so a piece takes up the sequence where it begins. */
static struct rng rng_of(const struct piece *piece, uint64_t seed)
{
    const uint64_t name = XXH3_64bits(piece->value->name, strlen(piece->value->name));
    struct rng rng = rng_at(rng_key(seed, RNG_INIT), (uint32_t)name, (uint32_t)(name >> 32), 0);
    rng.counter[3] = (uint32_t)(piece->begin * words_of(piece->value->init.kind) / 4);
    return rng;
}

static void initialise(void *context, int64_t i, int thread)
{
    (void)thread;
    const struct initialisation *job = context;
    const struct piece *piece = &job->piece[i];
    const struct value *value = piece->value;
    const struct plan_options *options = &job->plan->options;
    const struct tensor tensor = job->plan->place[value->id].tensor;
    const int64_t left = shape_count(value->shape) - piece->begin, count = left < PIECE ? left : PIECE;
    const size_t width = dtype_bytes(tensor.dtype);
    const double scale = scale_of(value);
    void *host = memory_new((size_t)count, width);
    struct rng rng = rng_of(piece, job->seed);
    for (int64_t k = 0; tensor.dtype != DTYPE_I64 && k < count; k++) {
        const double x = draw(&rng, value->init.kind, scale);
        if (tensor.dtype == DTYPE_F64)
            ((double *)host)[k] = x;
        else
            ((float *)host)[k] = (float)x;
    }
    options->backend->copy_in(options->device, (char *)tensor.data + (size_t)piece->begin * width, host,
                              (size_t)count * width);
    options->backend->synchronize(options->device);
    free(host);
}

void plan_initialise(struct plan *plan, uint64_t seed)
{
    struct pool *pool = plan->options.backend->pool(plan->options.device);
    struct initialisation job = {plan, seed, NULL};
    size_t pieces = 0, capacity = 0;
    for (int i = 0; i < plan->tensors; i++)
        for (int64_t begin = 0; begin < shape_count(plan->parameter[i]->shape); begin += PIECE) {
            job.piece = memory_grow(job.piece, pieces, &capacity, sizeof *job.piece);
            job.piece[pieces++] = (struct piece){plan->parameter[i], begin};
        }
    if (pool)
        pool_run(pool, (int64_t)pieces, initialise, &job);
    else
        for (size_t i = 0; i < pieces; i++) initialise(&job, (int64_t)i, 0);
    free(job.piece);
}

/* ---- torch's layout: OIHW for convolution weights, the same for everything else ---- */

/* Copies between OHWI and OIHW; `to_torch` says which way. Inline, so that a width the compiler knows needs no calls.
 */
static inline void permute_of(char *to, const char *from, struct shape ohwi, size_t width, bool to_torch)
{
    int64_t o = ohwi.size[0], hw = ohwi.size[1] * ohwi.size[2], in = ohwi.size[3];
    for (int64_t a = 0; a < o; a++)
        for (int64_t b = 0; b < hw; b++)
            for (int64_t c = 0; c < in; c++) {
                size_t inner = (size_t)((a * hw + b) * in + c) * width, torch = (size_t)((a * in + c) * hw + b) * width;
                memcpy(to + (to_torch ? torch : inner), from + (to_torch ? inner : torch), width);
            }
}

static void permute(char *to, const char *from, struct shape ohwi, size_t width, bool to_torch)
{
    if (width == sizeof(float))
        permute_of(to, from, ohwi, sizeof(float), to_torch);
    else
        permute_of(to, from, ohwi, width, to_torch);
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
