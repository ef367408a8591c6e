#include "engine/checkpoint/checkpoint.h"

#include "data/base/memory.h"
#include "data/base/text.h"
#include "engine/checkpoint/safetensors.h"

#include <stdlib.h>
#include <string.h>

/* ---- torch's side of a tensor ---- */

static struct shape torch_shape(const struct value *value)
{
    struct shape shape = value->shape;
    if (shape.rank == 4) shape = SHAPE(shape.size[0], shape.size[3], shape.size[1], shape.size[2]); /* OHWI -> OIHW */
    return shape;
}

/* ---- saving ---- */

/* Host copies of a plan's tensors in torch's layout, with the names they get in the file. */
struct gathering {
    const struct plan *plan;
    struct safetensors_tensor *tensor;
    int count;
};

static void gather(struct gathering *self, const struct value *value, struct tensor from, const char *prefix)
{
    struct text name = {0};
    text_add(&name, "%s.%s", prefix, value->name);
    void *host = memory_new((size_t)shape_count(value->shape), dtype_bytes(from.dtype));
    plan_get(self->plan, from, value, host);
    self->tensor[self->count++] = (struct safetensors_tensor){
        .name = text_detach(&name), .dtype = from.dtype, .shape = torch_shape(value), .data = host};
}

static void gather_all(struct gathering *self, const struct plan *plan)
{
    int count = plan_tensor_count(plan);
    const struct optimizer *optimizer = plan_optimizer(plan);
    *self = (struct gathering){.plan = plan};
    self->tensor = memory_new((size_t)count * (1 + OPTIMIZER_STATES_MAX), sizeof *self->tensor);
    for (int i = 0; i < count; i++) {
        struct plan_tensor t = plan_tensor(plan, i);
        gather(self, t.value, t.tensor, "model");
    }
    for (int i = 0; optimizer && i < count; i++) {
        struct plan_tensor t = plan_tensor(plan, i);
        for (int s = 0; s < optimizer->states && t.state[s].data; s++) {
            char prefix[64];
            snprintf(prefix, sizeof prefix, "optimizer.%s", optimizer->state_name[s]);
            gather(self, t.value, t.state[s], prefix);
        }
    }
}

static void release(struct gathering *self)
{
    for (int i = 0; i < self->count; i++) {
        free((char *)self->tensor[i].name);
        free((void *)self->tensor[i].data);
    }
    free(self->tensor);
}

enum lt_err checkpoint_save(const char *path, const struct plan *plan, json_t *state)
{
    char *json = json_dumps(state, JSON_COMPACT | JSON_PRESERVE_ORDER);
    if (!json)
        return lt_fail(LT_EFORMAT, "%s: the state of the run holds a number or text that JSON cannot hold", path);
    struct gathering all;
    gather_all(&all, plan);
    const struct safetensors_pair pair[] = {{"format", "pt"}, {"lathe", json}};
    enum lt_err err = safetensors_write(path, all.tensor, all.count, pair, 2, true);
    release(&all);
    free(json);
    return err;
}

/* ---- loading ---- */

/* A checkpoint of lathe always has its state and a checksum. */
static enum lt_err open_checkpoint(struct safetensors **file, const char *path)
{
    LT_TRY(safetensors_open(file, path));
    if (safetensors_metadata(*file, "lathe") && safetensors_metadata(*file, "checksum")) return LT_OK;
    safetensors_close(*file);
    return lt_fail(LT_EFORMAT, "%s is no checkpoint of lathe; plain weights are given as model.weights", path);
}

enum lt_err checkpoint_state(json_t **state, const char *path)
{
    struct safetensors *file;
    json_error_t error;
    LT_TRY(open_checkpoint(&file, path));
    *state = json_loads(safetensors_metadata(file, "lathe"), JSON_REJECT_DUPLICATES, &error);
    safetensors_close(file);
    if (json_is_object(*state)) return LT_OK;
    json_decref(*state);
    *state = NULL;
    return lt_fail(LT_EFORMAT, "%s: its state is no JSON object: %s", path, error.text);
}

/* What is being loaded, for messages. */
struct loading {
    const struct safetensors *file;
    const char *path;
    struct plan *plan;
};

static bool is_counter(const struct value *value)
{
    return value->dtype == DTYPE_I64;
}

static enum lt_err check(const struct loading *self, const struct value *value, enum dtype type,
                         struct safetensors_tensor from)
{
    struct shape wanted = torch_shape(value);
    char here[128], there[128];
    if (!shape_equal(from.shape, wanted))
        return lt_fail(LT_ESHAPE,
                       "%s: the tensor %s has the shape %s but this model wants %s; it belongs to another model or "
                       "another number of classes",
                       self->path, from.name, shape_text(there, from.shape), shape_text(here, wanted));
    if (from.dtype == type || (from.dtype == DTYPE_BF16 && type == DTYPE_F32)) return LT_OK;
    return lt_fail(LT_EFORMAT, "%s: the tensor %s has the type %s but %s is needed", self->path, from.name,
                   dtype_name(from.dtype), dtype_name(type));
}

static enum lt_err find(const struct loading *self, const char *name, struct safetensors_tensor *tensor)
{
    if (safetensors_find(self->file, name, tensor)) return LT_OK;
    int count = safetensors_count(self->file);
    return lt_fail(LT_EFORMAT, "%s has no tensor %s (it has %d others%s%s); it belongs to another model", self->path,
                   name, count, count ? ", such as " : "", count ? safetensors_at(self->file, 0).name : "");
}

/* bfloat16 is the upper half of a float. */
static void widen(uint32_t *to, const char *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, from + i * sizeof half, sizeof half);
        to[i] = (uint32_t)half << 16;
    }
}

static enum lt_err load(const struct loading *self, const struct value *value, struct tensor to, const char *name)
{
    struct safetensors_tensor from;
    LT_TRY(find(self, name, &from));
    LT_TRY(check(self, value, to.dtype, from));
    /* The mapping need not be aligned for the type: go through aligned memory. */
    const size_t count = (size_t)shape_count(value->shape), bytes = count * dtype_bytes(to.dtype);
    void *aligned = memory_new(bytes, 1);
    if (from.dtype == to.dtype)
        memcpy(aligned, from.data, bytes);
    else
        widen(aligned, from.data, count);
    plan_set(self->plan, to, value, aligned);
    free(aligned);
    return LT_OK;
}

static enum lt_err load_states(const struct loading *self, struct plan_tensor t)
{
    const struct optimizer *optimizer = plan_optimizer(self->plan);
    for (int s = 0; optimizer && s < optimizer->states && t.state[s].data; s++) {
        struct text name = {0};
        text_add(&name, "optimizer.%s.%s", optimizer->state_name[s], t.value->name);
        enum lt_err err = load(self, t.value, t.state[s], text_get(&name));
        text_release(&name);
        if (err != LT_OK) return lt_fail_in(err, "the optimizer %s cannot go on: ", optimizer->name);
    }
    return LT_OK;
}

static enum lt_err load_all(const struct loading *self, bool optimizer)
{
    for (int i = 0; i < plan_tensor_count(self->plan); i++) {
        struct plan_tensor t = plan_tensor(self->plan, i);
        struct text name = {0};
        text_add(&name, "model.%s", t.value->name);
        enum lt_err err = load(self, t.value, t.tensor, text_get(&name));
        text_release(&name);
        if (err == LT_OK && optimizer) err = load_states(self, t);
        if (err != LT_OK) return err;
    }
    return LT_OK;
}

enum lt_err checkpoint_load(struct plan *plan, const char *path, bool optimizer)
{
    struct safetensors *file;
    LT_TRY(open_checkpoint(&file, path));
    struct loading loading = {.file = file, .path = path, .plan = plan};
    enum lt_err err = load_all(&loading, optimizer);
    safetensors_close(file);
    return err;
}

/* ---- plain weights ---- */

static bool below(const char *name, const char *prefix)
{
    size_t length = strlen(prefix);
    return length && strncmp(name, prefix, length) == 0 && name[length] == '.';
}

/* What comes before torchvision's names in this file. */
static const char *prefix_of(const struct safetensors *file)
{
    return safetensors_metadata(file, "lathe") ? "model." : "";
}

/* Whether a tensor is to stay as initialised: a classifier for another number of classes, a counter that is absent. */
static bool passes_over(const struct loading *self, const struct value *value, const char *name, const char *classifier)
{
    struct safetensors_tensor from;
    if (!safetensors_find(self->file, name, &from)) return is_counter(value);
    return below(value->name, classifier) && !shape_equal(from.shape, torch_shape(value));
}

static enum lt_err load_weight(const struct loading *self, struct plan_tensor t, const char *classifier, int *skipped)
{
    struct text name = {0};
    text_add(&name, "%s%s", prefix_of(self->file), t.value->name);
    enum lt_err err = LT_OK;
    if (passes_over(self, t.value, text_get(&name), classifier))
        *skipped += !is_counter(t.value);
    else
        err = load(self, t.value, t.tensor, text_get(&name));
    text_release(&name);
    return err;
}

enum lt_err weights_load(struct plan *plan, const char *path, const char *classifier, int *skipped)
{
    struct safetensors *file;
    *skipped = 0;
    LT_TRY(safetensors_open(&file, path));
    struct loading loading = {.file = file, .path = path, .plan = plan};
    enum lt_err err = LT_OK;
    for (int i = 0; err == LT_OK && i < plan_tensor_count(plan); i++)
        err = load_weight(&loading, plan_tensor(plan, i), classifier, skipped);
    safetensors_close(file);
    return err;
}

static enum lt_err check_weight(const struct loading *self, const struct value *value, const char *classifier)
{
    struct safetensors_tensor from;
    struct text name = {0};
    text_add(&name, "%s%s", prefix_of(self->file), value->name);
    enum lt_err err = LT_OK;
    if (!passes_over(self, value, text_get(&name), classifier)) {
        err = find(self, text_get(&name), &from);
        if (err == LT_OK) err = check(self, value, value->dtype == DTYPE_REAL ? DTYPE_F32 : value->dtype, from);
    }
    text_release(&name);
    return err;
}

/* torch's strict: a tensor that the model lacks means that it is another model. */
static enum lt_err check_nothing_else(const struct loading *self, const struct graph *graph)
{
    const char *prefix = prefix_of(self->file);
    size_t length = strlen(prefix);
    for (int i = 0; i < safetensors_count(self->file); i++) {
        const char *name = safetensors_at(self->file, i).name;
        if (strncmp(name, prefix, length) != 0 || graph_find(graph, name + length)) continue;
        return lt_fail(LT_EFORMAT, "%s has a tensor %s that this model lacks; it belongs to another model", self->path,
                       name);
    }
    return LT_OK;
}

enum lt_err weights_check(const struct graph *graph, const char *path, const char *classifier)
{
    struct safetensors *file;
    LT_TRY(safetensors_open(&file, path));
    struct loading loading = {.file = file, .path = path};
    enum lt_err err = LT_OK;
    for (size_t i = 0; err == LT_OK && i < graph->value_count; i++) {
        const struct value *value = graph->value[i];
        if (value->kind != VALUE_PARAMETER && value->kind != VALUE_BUFFER) continue;
        err = check_weight(&loading, value, classifier);
    }
    if (err == LT_OK) err = check_nothing_else(&loading, graph);
    safetensors_close(file);
    return err;
}

enum lt_err weights_export(const char *to, const char *checkpoint)
{
    struct safetensors *file;
    LT_TRY(open_checkpoint(&file, checkpoint));
    int count = 0;
    struct safetensors_tensor *tensor = memory_new((size_t)safetensors_count(file), sizeof *tensor);
    for (int i = 0; i < safetensors_count(file); i++) {
        struct safetensors_tensor t = safetensors_at(file, i);
        if (strncmp(t.name, "model.", 6) != 0) continue;
        t.name += 6;
        tensor[count++] = t;
    }
    const struct safetensors_pair pair[] = {{"format", "pt"}};
    enum lt_err err = safetensors_write(to, tensor, count, pair, 1, false);
    free(tensor);
    safetensors_close(file);
    return err;
}
