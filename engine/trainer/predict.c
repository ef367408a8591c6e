/* Predict: pictures in, classes and probabilities out; everything else comes from the checkpoint. */
#include "data/base/memory.h"
#include "data/base/text.h"
#include "data/data.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/engine.h"
#include "engine/graph/plan.h"
#include "engine/models/model.h"
#include "engine/ops/ops.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct predictor {
    const struct predict_request *request;
    const struct config *config;
    struct config *own_config; /* parsed from the checkpoint */
    json_t *state;
    struct set *set;
    struct pipeline *pipeline;
    struct loader *loader;
    const struct backend *backend;
    struct device *device;
    struct plan *plan;
    struct value *logits;
    const struct model *model;
    int64_t batch, classes, next, bad;
    size_t image_bytes;
    float *score;        /* [batch, classes] */
    double *probability; /* [classes] */
    int64_t *order;      /* [classes]: by falling probability */
};

static enum lt_err read_state(struct predictor *self)
{
    self->config = self->request->config;
    if (self->request->checkpoint) {
        LT_TRY(checkpoint_state(&self->state, self->request->checkpoint));
        const char *yaml = json_string_value(json_object_get(self->state, "config"));
        if (!self->config && !yaml)
            return lt_fail(LT_EFORMAT, "%s does not say how it was made (no configuration inside); give one with -c",
                           self->request->checkpoint);
        if (!self->config) {
            LT_TRY(config_parse(&self->own_config, yaml, self->request->checkpoint, NULL, 0));
            self->config = self->own_config;
        }
    }
    size_t named = json_array_size(json_object_get(self->state, "classes"));
    self->classes = named ? (int64_t)named : self->config->model.num_classes;
    if (self->classes < 1)
        return lt_fail(LT_EUSAGE, "how many classes? give a checkpoint, or model.num_classes with model.weights");
    if (!self->state && !self->config->model.weights)
        return lt_fail(LT_EUSAGE, "nothing to predict with: give a checkpoint, or model.weights in the configuration");
    return LT_OK;
}

static enum lt_err build(struct predictor *self)
{
    self->model = model_find(self->config->model.name);
    if (!self->model) return LT_EUSAGE;
    int height, width;
    double mean[3], std[3];
    pipeline_size(self->pipeline, &height, &width);
    pipeline_normalize(self->pipeline, mean, std);
    self->image_bytes = (size_t)height * (size_t)width * 3;
    struct graph *graph = graph_new(self->batch);
    struct value *image = graph_input(graph, "image", DTYPE_U8, SHAPE(self->batch, height, width, 3));
    struct value *pixels = normalize(graph, image, "normalize", mean, std);
    struct model_options options = {.num_classes = self->classes, .dropout = -1, .stochastic_depth_prob = -1};
    self->logits = self->model->build(graph, pixels, &options);
    enum lt_err err = graph_status(graph);
    if (err != LT_OK) {
        graph_free(graph);
        return err;
    }
    struct plan_options plan = {.backend = self->backend, .device = self->device, .real = DTYPE_F32};
    struct plan_outputs outputs = {.output = {self->logits}, .count = 1};
    LT_TRY(plan_build(&self->plan, graph, outputs, &plan));
    if (self->state) return checkpoint_load(self->plan, self->request->checkpoint, false);
    int skipped;
    return weights_load(self->plan, self->config->model.weights, "", &skipped);
}

static enum lt_err open_predictor(struct predictor *self)
{
    LT_TRY(read_state(self));
    LT_TRY(set_of_files(&self->set, self->request->file, self->request->files));
    LT_TRY(pipeline_read(&self->pipeline, self->config->data.val_transforms));
    self->batch = self->set->samples < 32 ? self->set->samples : 32;
    self->backend = backend_find(self->config->trainer.backend);
    if (!self->backend) return lt_fail(LT_EUSAGE, "there is no backend '%s'", self->config->trainer.backend);
    struct device_options device = {.threads = (int)self->config->trainer.num_threads};
    LT_TRY(self->backend->open(&self->device, &device));
    LT_TRY(build(self));
    struct view view = {.set = self->set, .count = self->set->samples, .pipeline = self->pipeline};
    struct loader_options options = {.batch_size = self->batch,
                                     .workers = self->set->samples > 4 ? 2 : 0,
                                     .on_bad = ON_BAD_SKIP,
                                     .max_bad = 1,
                                     .max_pixels = self->config->data.max_pixels,
                                     .pillow = (int)self->config->data.pillow,
                                     .fast = self->config->data.decode == DECODE_FAST};
    LT_TRY(loader_new(&self->loader, &view, &options));
    self->score = memory_new((size_t)(self->batch * self->classes), sizeof *self->score);
    self->probability = memory_new((size_t)self->classes, sizeof *self->probability);
    self->order = memory_new((size_t)self->classes, sizeof *self->order);
    return LT_OK;
}

static void close_predictor(struct predictor *self)
{
    loader_free(self->loader);
    plan_free(self->plan);
    if (self->device) self->backend->close(self->device);
    pipeline_free(self->pipeline);
    set_free(self->set);
    config_free(self->own_config);
    json_decref(self->state);
    free(self->score), free(self->probability), free(self->order);
}

/* Softmax in double, and the classes by falling probability (equal ones by index). */
static void rank(struct predictor *self, const float *score)
{
    double largest = -INFINITY, sum = 0;
    for (int64_t k = 0; k < self->classes; k++) largest = fmax(largest, (double)score[k]);
    for (int64_t k = 0; k < self->classes; k++) sum += self->probability[k] = exp((double)score[k] - largest);
    for (int64_t k = 0; k < self->classes; k++) self->probability[k] /= sum;
    int64_t wanted = self->request->top_k < self->classes ? self->request->top_k : self->classes;
    for (int64_t k = 0; k < self->classes; k++) self->order[k] = k;
    for (int64_t i = 0; i < wanted; i++) {
        int64_t best = i;
        for (int64_t j = i + 1; j < self->classes; j++) {
            double a = self->probability[self->order[j]], b = self->probability[self->order[best]];
            if (a > b || (a == b && self->order[j] < self->order[best])) best = j;
        }
        int64_t swap = self->order[i];
        self->order[i] = self->order[best];
        self->order[best] = swap;
    }
}

static const char *class_name(const struct predictor *self, int64_t k, char buffer[32])
{
    const char *name = json_string_value(json_array_get(json_object_get(self->state, "classes"), (size_t)k));
    if (!name) snprintf(buffer, 32, "%" PRId64, k);
    return name ? name : buffer;
}

static void write_csv_text(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"') fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void write_csv(const struct predictor *self, const char *path)
{
    char buffer[32];
    FILE *out = self->request->out;
    write_csv_text(out, path);
    for (int64_t i = 0; i < self->request->top_k && i < self->classes; i++) {
        fputc(',', out);
        write_csv_text(out, class_name(self, self->order[i], buffer));
        fprintf(out, ",%.6f", self->probability[self->order[i]]);
    }
    fputc('\n', out);
}

static void write_json(const struct predictor *self, const char *path)
{
    char buffer[32];
    json_t *top = json_array();
    for (int64_t i = 0; i < self->request->top_k && i < self->classes; i++)
        json_array_append_new(top,
                              json_pack("{s:s, s:I, s:f}", "class", class_name(self, self->order[i], buffer), "index",
                                        (json_int_t)self->order[i], "probability", self->probability[self->order[i]]));
    json_t *row = json_pack("{s:s, s:s, s:f, s:o}", "file", path, "class", class_name(self, self->order[0], buffer),
                            "probability", self->probability[self->order[0]], "top", top);
    char *text = json_dumps(row, JSON_COMPACT | JSON_PRESERVE_ORDER);
    fprintf(self->request->out, "%s\n", text ? text : "{}");
    free(text);
    json_decref(row);
}

static void write_header(const struct predictor *self)
{
    fputs("file,class,probability", self->request->out);
    for (int i = 2; i <= self->request->top_k && i <= self->classes; i++)
        fprintf(self->request->out, ",class_%d,probability_%d", i, i);
    fputc('\n', self->request->out);
}

static void report_bad(void *context, const char *reason)
{
    struct predictor *self = context;
    self->bad++;
    fprintf(stderr, "lathe: %s\n", reason);
}

static void predict_batch(struct predictor *self, const struct batch *batch)
{
    plan_set_input(self->plan, "image", batch->pixels, (size_t)batch->n * self->image_bytes);
    struct plan_step step = {.n = batch->n, .sample = batch->sample};
    plan_evaluate(self->plan, &step);
    plan_read(self->plan, self->logits, self->score, batch->n);
    plan_synchronize(self->plan);
    for (int64_t i = 0; i < batch->n; i++) {
        if (batch->sample[i] != self->next++) continue; /* a stand-in for a picture that could not be read */
        const char *path = self->set->sample[batch->sample[i]].path;
        rank(self, self->score + i * self->classes);
        if (self->request->json)
            write_json(self, path);
        else
            write_csv(self, path);
    }
}

static enum lt_err predict_all(struct predictor *self)
{
    const struct batch *batch;
    LT_TRY(loader_start(self->loader, 0, 0, INT64_MAX));
    if (!self->request->json) write_header(self);
    for (;;) {
        LT_TRY(loader_next(self->loader, &batch));
        if (!batch) break;
        predict_batch(self, batch);
    }
    loader_bad_files(self->loader, report_bad, self);
    if (fflush(self->request->out) != 0) return lt_fail_errno("write", "the predictions");
    if (self->bad)
        return lt_fail(LT_EDATA, "%" PRId64 " of %" PRId64 " pictures could not be read; they are named above",
                       self->bad, self->set->samples);
    return LT_OK;
}

enum lt_err run_predict(const struct predict_request *request)
{
    struct predictor self = {.request = request};
    enum lt_err err = open_predictor(&self);
    if (err == LT_OK) err = predict_all(&self);
    close_predictor(&self);
    return err;
}
