/* Opening what computes: device, plan, loaders; from here on there are threads. */
#include "data/base/memory.h"
#include "engine/ops/ops.h"
#include "engine/trainer/run.h"

#include <stdlib.h>
#include <string.h>

static enum lt_err freeze(const struct run *run, struct graph *graph)
{
    const struct texts *patterns = &run->config->model.freeze;
    if (patterns->count == 0) return LT_OK;
    int64_t *matched = memory_new(patterns->count, sizeof *matched);
    graph_freeze(graph, patterns->item, patterns->count, matched);
    enum lt_err err = LT_OK;
    for (size_t i = 0; err == LT_OK && i < patterns->count; i++)
        if (matched[i] == 0)
            err = setting_fail(setting_find(run->config->root, "model.freeze"),
                               "the pattern '%s' matches no parameter; patterns are like 'features.*'",
                               patterns->item[i]);
    free(matched);
    return err;
}

/* image -> normalize -> model -> cross entropy */
static void build_nodes(struct run *run, struct graph *graph)
{
    const struct config *config = run->config;
    int height, width;
    double mean[3], std[3];
    pipeline_size(run->val_pipeline, &height, &width);
    pipeline_normalize(run->val_pipeline, mean, std);
    run->image_bytes = (size_t)height * (size_t)width * 3;
    struct value *image = graph_input(graph, "image", DTYPE_U8, SHAPE(graph->batch, height, width, 3));
    struct value *target = graph_input(graph, "target", DTYPE_I32, SHAPE(graph->batch));
    struct value *pixels = normalize(graph, image, "normalize", mean, std);
    struct model_options options = {.num_classes = run_classes(run)->classes,
                                    .dropout = config->model.dropout,
                                    .stochastic_depth_prob = config->model.stochastic_depth_prob};
    run->logits = run->model->build(graph, pixels, &options);
    run->loss = cross_entropy(graph, run->logits, target, "loss", config->model.label_smoothing);
    run->predicted = run->loss ? run->loss->producer->out[1] : NULL;
}

enum lt_err build_graph(struct graph **graph, struct run *run)
{
    *graph = graph_new(run->config->data.batch_size);
    build_nodes(run, *graph);
    enum lt_err err = graph_status(*graph);
    if (err == LT_OK) err = freeze(run, *graph);
    if (err == LT_OK) return LT_OK;
    graph_free(*graph);
    *graph = NULL;
    return err;
}

void feed_batch(struct run *run, const struct batch *batch)
{
    plan_set_input(run->plan, "image", batch->pixels, (size_t)batch->n * run->image_bytes);
    plan_set_input(run->plan, "target", batch->target, (size_t)batch->n * sizeof *batch->target);
}

enum clip_algorithm run_clip(const struct run *run)
{
    if (run->trainer.gradient_clip_val <= 0) return CLIP_NONE;
    return run->trainer.gradient_clip_algorithm == CLIP_BY_NORM ? CLIP_NORM : CLIP_VALUE;
}

enum lt_err build_plan(struct plan **plan, struct run *run, struct device *device, bool dry)
{
    const struct config *config = run->config;
    struct graph *graph;
    LT_TRY(build_graph(&graph, run));
    struct plan_options options = {
        .backend = run->backend,
        .device = device,
        .real = DTYPE_F32,
        .bf16 = strcmp(config->trainer.precision, "bf16-mixed") == 0,
        .training = run->verb == RUN_FIT,
        .seed = (uint64_t)config->seed,
        .optimizer = config->optimizer.id,
        .optimizer_options = config->optimizer.options,
        .no_decay = config->optimizer.no_decay.item,
        .no_decay_count = config->optimizer.no_decay.count,
        .clip = run_clip(run),
        .clip_value = run->trainer.gradient_clip_val,
        .accumulate = config->trainer.accumulate_grad_batches > 1,
        .watch = callbacks_watch(&run->callbacks),
        .dry = dry,
    };
    struct plan_outputs outputs = {.loss = run->loss, .output = {run->loss, run->predicted, run->logits}, .count = 3};
    return plan_build(plan, graph, outputs, &options);
}

static void name_parameters(struct run *run)
{
    int count = plan_tensor_count(run->plan);
    run->parameter_name = memory_new((size_t)count, sizeof *run->parameter_name);
    for (int i = 0; i < count; i++) {
        int index = plan_norm_index(run->plan, i);
        if (index < 0) continue;
        run->parameter_name[index] = plan_tensor(run->plan, i).value->name;
        if (index >= run->parameters) run->parameters = index + 1;
    }
}

static void make_watched(struct run *run)
{
    for (int i = 0; i < 2; i++) {
        double **const array[] = {&run->outcome[i].watched.ratio, &run->outcome[i].watched.zeros,
                                  &run->outcome[i].watched.nonfinite};
        for (int k = 0; k < 3; k++) *array[k] = memory_new((size_t)run->parameters + 1, sizeof(double));
    }
}

static void make_outcomes(struct run *run)
{
    size_t room = (size_t)(run->config->data.batch_size * run->config->trainer.accumulate_grad_batches);
    for (int i = 0; i < 2; i++)
        run->outcome[i] = (struct outcome){
            .loss = memory_new(room, sizeof(float)),
            .predicted = memory_new(room, sizeof(int32_t)),
            .target = memory_new(room, sizeof(int32_t)),
            .sample = memory_new(room, sizeof(int64_t)),
            .norm = memory_new((size_t)run->parameters + 1, sizeof(double)),
        };
    if (callbacks_watch(&run->callbacks)) make_watched(run);
}

static enum lt_err open_loader(struct run *run, struct part *part, bool train)
{
    const struct data_options *data = &run->config->data;
    if (part->batches == 0) return LT_OK;
    struct loader_options options = {
        .batch_size = data->batch_size,
        .shuffle = train && data->shuffle,
        .drop_last = train && data->drop_last,
        .workers = (int)data->num_workers,
        .seed = (uint64_t)run->config->seed,
        .on_bad = data->on_bad == BAD_FILES_ARE_ERRORS ? ON_BAD_ERROR : ON_BAD_SKIP,
        .max_bad = data->max_bad,
        .max_pixels = data->max_pixels,
        .pillow = (int)data->pillow,
        .fast = data->decode == DECODE_FAST,
        .cache = data->cache == CACHE_DECODED,
    };
    return loader_new(&part->loader, &part->view, &options);
}

/* The first batches are made while the rest opens and weights are drawn, unless a checkpoint says where to go on. */
static enum lt_err open_loaders(struct run *run)
{
    if (run->verb == RUN_TEST) return open_loader(run, &run->test, false);
    if (run->verb == RUN_FIT) {
        LT_TRY(open_loader(run, &run->train, true));
        if (!run->resume) LT_TRY(train_ahead(run));
    }
    return open_loader(run, &run->val, false);
}

enum lt_err open_machine(struct run *run)
{
    const struct config *config = run->config;
    struct device_options options = {.threads = (int)config->trainer.num_threads};
    LT_TRY(open_loaders(run));
    LT_TRY(run->backend->open(&run->device, &options));
    LT_TRY(build_plan(&run->plan, run, run->device, false));
    if (run->verb == RUN_FIT) plan_record_spans(run->plan);
    name_parameters(run);
    make_outcomes(run);
    return LT_OK;
}

void close_machine(struct run *run)
{
    struct part *parts[] = {&run->train, &run->val, &run->test};
    for (int i = 0; i < 3; i++) {
        loader_free(parts[i]->loader);
        parts[i]->loader = NULL;
    }
    plan_free(run->plan);
    run->plan = NULL;
    if (run->device) run->backend->close(run->device);
    run->device = NULL;
    for (int i = 0; i < 2; i++) {
        struct outcome *o = &run->outcome[i];
        free(o->loss), free(o->predicted), free(o->target), free(o->sample), free(o->norm);
        free(o->watched.ratio), free(o->watched.zeros), free(o->watched.nonfinite);
        *o = (struct outcome){0};
    }
    free(run->parameter_name);
    run->parameter_name = NULL;
}
