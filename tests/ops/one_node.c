#include "tests/ops/one_node.h"

#include "data/base/memory.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- memory ---- */

static int64_t count_of(struct tensor t)
{
    return shape_count(t.shape);
}

static size_t bytes_of(struct tensor t)
{
    return (size_t)count_of(t) * dtype_bytes(t.dtype);
}

static void *allocate(const struct one_node *self, size_t bytes)
{
    void *memory = self->options.backend->allocate(self->device, bytes);
    assert_non_null(memory);
    return memory;
}

static enum dtype dtype_of(const struct one_node *self, const struct value *value)
{
    const bool narrow = value->kind == VALUE_ACTIVATION || value->kind == VALUE_INPUT;
    if (value->dtype == DTYPE_REAL && narrow && self->options.bf16) return DTYPE_BF16;
    return value->dtype == DTYPE_REAL || value->dtype == DTYPE_STATISTIC ? self->options.real : value->dtype;
}

static struct tensor make(const struct one_node *self, const struct value *value)
{
    struct tensor t = {.dtype = dtype_of(self, value), .shape = value->shape};
    t.data = allocate(self, bytes_of(t));
    return t;
}

/* bfloat16 is the upper half of a float, rounded to nearest, ties to even. */
static uint16_t to_bf16(double value)
{
    const float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof bits);
    if (isnan(value)) return 0x7fc0;
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static double from_bf16(uint16_t half)
{
    const uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static double element(const void *host, enum dtype dtype, int64_t i)
{
    switch (dtype) {
    case DTYPE_F32: return (double)((const float *)host)[i];
    case DTYPE_F64: return ((const double *)host)[i];
    case DTYPE_BF16: return from_bf16(((const uint16_t *)host)[i]);
    case DTYPE_I32: return ((const int32_t *)host)[i];
    case DTYPE_I64: return (double)((const int64_t *)host)[i];
    default: return ((const uint8_t *)host)[i];
    }
}

static void set_element(void *host, enum dtype dtype, int64_t i, double value)
{
    switch (dtype) {
    case DTYPE_F32: ((float *)host)[i] = (float)value; break;
    case DTYPE_F64: ((double *)host)[i] = value; break;
    case DTYPE_BF16: ((uint16_t *)host)[i] = to_bf16(value); break;
    case DTYPE_I32: ((int32_t *)host)[i] = (int32_t)value; break;
    case DTYPE_I64: ((int64_t *)host)[i] = (int64_t)value; break;
    default: ((uint8_t *)host)[i] = (uint8_t)value;
    }
}

static bool is_real(enum dtype dtype)
{
    return dtype == DTYPE_F32 || dtype == DTYPE_F64 || dtype == DTYPE_BF16;
}

static void put(const struct one_node *self, struct tensor t, const void *host)
{
    self->options.backend->copy_in(self->device, t.data, host, bytes_of(t));
    self->options.backend->synchronize(self->device);
}

/* From element `first` on, what nobody may read. */
static void spoil_from(void *host, enum dtype dtype, int64_t first, int64_t count)
{
    for (int64_t i = first; i < count; i++) {
        if (is_real(dtype))
            set_element(host, dtype, i, NAN);
        else
            memset((char *)host + (size_t)i * dtype_bytes(dtype), 0x7f, dtype_bytes(dtype));
    }
}

static void spoil(const struct one_node *self, struct tensor t)
{
    if (t.data == NULL) return;
    void *host = memory_new(bytes_of(t), 1);
    spoil_from(host, t.dtype, 0, count_of(t));
    put(self, t, host);
    free(host);
}

/* Elements of the samples that are there. */
static int64_t live(const struct one_node *self, struct tensor t, enum value_kind kind)
{
    const bool by_sample = kind == VALUE_INPUT || kind == VALUE_ACTIVATION;
    return by_sample ? count_of(t) / t.shape.size[0] * self->step.n : count_of(t);
}

static double rounded(const struct one_node *self, double value)
{
    return self->options.rounded ? from_bf16(to_bf16(value)) : value;
}

static void fill_input(const struct one_node *self, int k)
{
    const struct tensor t = self->call.in[k];
    const struct value *value = self->node->in[k];
    const int64_t here = live(self, t, value->kind);
    void *host = memory_new(bytes_of(t), 1);
    for (int64_t i = 0; i < here; i++)
        set_element(host, t.dtype, i, rounded(self, op_case_input(self->op_case, value, k, torch_index(t.shape, i))));
    spoil_from(host, t.dtype, here, count_of(t));
    put(self, t, host);
    free(host);
}

static void fill_dout(const struct one_node *self)
{
    const struct tensor t = self->call.dout[0];
    const int64_t here = live(self, t, VALUE_ACTIVATION);
    void *host = memory_new(bytes_of(t), 1);
    for (int64_t i = 0; i < here; i++)
        set_element(host, t.dtype, i, rounded(self, op_case_dout(self->op_case, torch_index(t.shape, i))));
    spoil_from(host, t.dtype, here, count_of(t));
    put(self, t, host);
    free(host);
}

/* ---- open ---- */

bool one_node_wants(const struct one_node *self, int i)
{
    const struct value *in = self->node->in[i];
    return in->dtype == DTYPE_REAL && in->kind != VALUE_BUFFER && !in->frozen;
}

static void make_call(struct one_node *self)
{
    const struct node *node = self->node;
    struct call *call = &self->call;
    call->node = node;
    for (int i = 0; i < node->in_count; i++) call->in[i] = make(self, node->in[i]);
    for (int k = 0; k < node->out_count; k++) call->out[k] = make(self, node->out[k]);
    for (int k = 0; k < node->saved_count; k++) call->saved[k] = make(self, node->saved[k]);
    call->dout[0] = make(self, node->out[0]);
    for (int i = 0; self->kernel->backward && i < node->in_count; i++)
        if (one_node_wants(self, i)) call->din[i] = make(self, node->in[i]);
    const int threads = self->options.backend->threads(self->device);
    const size_t bytes = self->kernel->workspace ? self->kernel->workspace(node, threads) : 0;
    if (bytes > 0) {
        call->workspace = allocate(self, bytes);
        void *host = memory_new(bytes, 1);
        memset(host, 0xff, bytes); /* NaN in floats */
        self->options.backend->copy_in(self->device, call->workspace, host, bytes);
        self->options.backend->synchronize(self->device);
        free(host);
    }
}

static void share_memory(struct one_node *self)
{
    struct call *call = &self->call;
    if (self->options.in_place_forward) {
        self->options.backend->release(self->device, call->out[0].data);
        call->out[0].data = call->in[0].data;
    }
    if (self->options.in_place_backward) {
        self->options.backend->release(self->device, call->din[0].data);
        call->din[0].data = call->dout[0].data;
    }
}

static void make_constant(struct one_node *self)
{
    size_t bytes = 0;
    const void *table = self->node->op->constant ? self->node->op->constant(self->node, &bytes) : NULL;
    if (table == NULL) return;
    self->call.constant = (struct tensor){
        .data = allocate(self, bytes), .dtype = DTYPE_U8, .shape = SHAPE((int64_t)bytes)};
    put(self, self->call.constant, table);
}

static void make_step(struct one_node *self)
{
    const struct backend *backend = self->options.backend;
    const int64_t capacity = self->op_case->x.size[0];
    int64_t sample[64];
    assert_true(capacity <= 64);
    for (int64_t i = 0; i < capacity; i++) sample[i] = self->options.sample ? self->options.sample[i] : 100 + 7 * i;
    const struct tensor indices = {allocate(self, sizeof sample), DTYPE_I64, SHAPE(64)};
    const struct tensor weight = {allocate(self, sizeof(double)), DTYPE_F64, SHAPE(1)};
    put(self, indices, sample);
    put(self, weight, &(double){0.37});
    self->step = (struct step){.device = self->device,
                               .pool = backend->pool(self->device),
                               .n = self->options.n ? self->options.n : capacity,
                               .key = rng_key(self->options.seed, RNG_DROPOUT),
                               .epoch = self->options.epoch,
                               .sample = indices.data,
                               .loss_weight = weight.data};
}

bool one_node_open(struct one_node *self, const struct op_case *op_case, struct one_node_options options)
{
    *self = (struct one_node){.op_case = op_case, .options = options};
    const struct device_options device = {.threads = options.threads ? options.threads : 1};
    assert_int_equal(options.backend->open(&self->device, &device), LT_OK);
    self->kernel = options.backend->kernel(self->device, op_case->op, options.bf16);
    if (self->kernel == NULL) {
        options.backend->close(self->device);
        return false;
    }
    self->graph = graph_new(op_case->x.size[0]);
    self->node = op_case_build(self->graph, op_case, options.layer ? options.layer : "layer");
    if (self->node == NULL) fail_msg("%s: %s", op_case->name, graph_status(self->graph) ? lt_message() : "no node");
    make_call(self);
    share_memory(self);
    make_constant(self);
    make_step(self);
    return true;
}

static void release(struct one_node *self, const void *memory)
{
    self->options.backend->release(self->device, (void *)memory);
}

void one_node_close(struct one_node *self)
{
    struct call *call = &self->call;
    if (self->options.in_place_forward) call->out[0].data = NULL;
    if (self->options.in_place_backward) call->din[0].data = NULL;
    for (int i = 0; i < NODE_IN_MAX; i++) release(self, call->in[i].data), release(self, call->din[i].data);
    for (int k = 0; k < NODE_OUT_MAX; k++) release(self, call->out[k].data), release(self, call->dout[k].data);
    for (int k = 0; k < NODE_SAVED_MAX; k++) release(self, call->saved[k].data);
    release(self, call->workspace), release(self, call->constant.data);
    release(self, self->step.sample), release(self, self->step.loss_weight);
    self->options.backend->close(self->device);
    graph_free(self->graph);
}

/* ---- run ---- */

void one_node_fill(struct one_node *self)
{
    struct call *call = &self->call;
    for (int i = 0; i < NODE_IN_MAX; i++) spoil(self, call->din[i]);
    for (int k = 0; k < NODE_OUT_MAX; k++) spoil(self, call->out[k]);
    for (int k = 0; k < NODE_SAVED_MAX; k++) spoil(self, call->saved[k]);
    for (int i = 0; i < self->node->in_count; i++) fill_input(self, i);
    fill_dout(self);
}

void one_node_forward(struct one_node *self)
{
    self->step.training = true;
    self->kernel->forward(&self->call, &self->step);
    self->options.backend->synchronize(self->device);
}

void one_node_backward(struct one_node *self)
{
    self->kernel->backward(&self->call, &self->step);
    self->options.backend->synchronize(self->device);
}

void one_node_evaluate(struct one_node *self)
{
    self->step.training = false;
    (self->kernel->evaluate ? self->kernel->evaluate : self->kernel->forward)(&self->call, &self->step);
    self->options.backend->synchronize(self->device);
}

static void hide_what_is_not_read(struct one_node *self)
{
    const unsigned reads = self->node->op->backward_reads;
    for (int i = 0; i < self->node->in_count; i++)
        if (!(reads & ((unsigned)OP_READS_IN0 << i)) && self->node->in[i]->kind != VALUE_BUFFER)
            spoil(self, self->call.in[i]);
    for (int k = 0; k < self->node->out_count && !(reads & OP_READS_OUT); k++) spoil(self, self->call.out[k]);
}

/* ---- results ---- */

/* Copies a tensor to the host, to be part of the results. */
static void keep(const struct one_node *self, struct results *all, const char *name, struct tensor t,
                 enum value_kind kind)
{
    struct result *result = &all->item[all->count++];
    assert_true(all->count <= RESULTS_MAX);
    *result = (struct result){.dtype = t.dtype, .count = live(self, t, kind)};
    snprintf(result->name, sizeof result->name, "%s", name);
    result->value = memory_new((size_t)result->count, sizeof(double));
    void *host = memory_new(bytes_of(t), 1);
    self->options.backend->copy_out(self->device, host, t.data, bytes_of(t));
    self->options.backend->synchronize(self->device);
    for (int64_t i = 0; i < result->count; i++) result->value[torch_index(t.shape, i)] = element(host, t.dtype, i);
    free(host);
}

static void keep_outputs(const struct one_node *self, struct results *all, const char *prefix)
{
    char name[16];
    for (int k = 0; k < self->node->out_count; k++) {
        snprintf(name, sizeof name, "%s%d", prefix, k);
        keep(self, all, name, self->call.out[k], VALUE_ACTIVATION);
    }
}

static void keep_buffers(const struct one_node *self, struct results *all)
{
    char name[16];
    for (int i = 0; i < self->node->in_count; i++) {
        if (self->node->in[i]->kind != VALUE_BUFFER) continue;
        snprintf(name, sizeof name, "in%d", i);
        keep(self, all, name, self->call.in[i], VALUE_BUFFER);
    }
}

struct results one_node_results(struct one_node *self)
{
    struct results all = {0};
    char name[16];
    one_node_forward(self);
    keep_outputs(self, &all, "out");
    keep_buffers(self, &all);
    if (self->kernel->backward == NULL) return all;
    if (self->options.hide) hide_what_is_not_read(self);
    one_node_backward(self);
    for (int i = 0; i < self->node->in_count; i++) {
        if (self->call.din[i].data == NULL) continue;
        snprintf(name, sizeof name, "din%d", i);
        keep(self, &all, name, self->call.din[i], self->node->in[i]->kind);
    }
    return all;
}

struct results one_node_train(struct one_node *self)
{
    one_node_fill(self);
    return one_node_results(self);
}

struct results one_node_evaluation(struct one_node *self)
{
    struct results all = {0};
    one_node_fill(self);
    one_node_evaluate(self);
    keep_outputs(self, &all, "evaluate");
    keep_buffers(self, &all);
    return all;
}

void results_release(struct results *self)
{
    for (int i = 0; i < self->count; i++) free(self->item[i].value);
    self->count = 0;
}

void results_equal(const struct results *a, const struct results *b, const char *what)
{
    assert_int_equal(a->count, b->count);
    for (int i = 0; i < a->count; i++) {
        const struct result *x = &a->item[i], *y = &b->item[i];
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->count, y->count);
        if (memcmp(x->value, y->value, (size_t)x->count * sizeof(double)) != 0)
            fail_msg("%s: %s differs, by %.3g of its norm", what, x->name, result_error(x, y));
    }
}

double result_error(const struct result *got, const struct result *expected)
{
    double difference = 0, norm = 0;
    assert_int_equal(got->count, expected->count);
    for (int64_t i = 0; i < got->count; i++) {
        const double d = got->value[i] - expected->value[i];
        difference += d * d, norm += expected->value[i] * expected->value[i];
    }
    return difference == 0 ? 0 : sqrt(difference / norm);
}
