/* What a run tells about itself besides numbers (engine/log/documents.c): its layers, its classes, and after each
 * validation the confusion matrix and the mistakes that cost most. */
#include "data/base/memory.h"
#include "engine/log/wire.h"
#include "engine/trainer/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- layers ---- */

static json_t *layer(const struct node *node, int64_t batch, int64_t parameters)
{
    char shape[128];
    shape_text(shape, node->out[0]->shape);
    return json_pack("{s:o, s:s, s:s, s:I, s:I}", "name", wire_text(node->name), "op", node->op->name, "shape", shape,
                     "parameters", (json_int_t)parameters, "macs",
                     (json_int_t)(node->op->macs ? node->op->macs(node) / batch : 0));
}

static void tell_layers(struct run *run)
{
    const struct graph *graph = plan_graph(run->plan);
    const struct plan_summary summary = plan_summarise(run->plan);
    json_t *layers = json_array();
    for (size_t n = 0; n < graph->node_count; n++) {
        const struct node *node = graph->node[n];
        json_array_append_new(layers, layer(node, graph->batch, graph_parameters_of(graph, node)));
    }
    log_document(run->log, "layers",
                 json_pack("{s:o, s:I, s:I, s:I, s:I}", "layers", layers, "parameters", (json_int_t)summary.parameters,
                           "trainable", (json_int_t)summary.trainable, "macs", (json_int_t)summary.macs_forward,
                           "arena_bytes", (json_int_t)summary.arena_bytes));
}

/* ---- classes ---- */

static json_t *class_sizes(const struct part *part, int32_t classes)
{
    int64_t *count = memory_new((size_t)classes, sizeof *count);
    json_t *sizes = json_array();
    for (int64_t i = 0; part->set && i < part->view.count; i++) {
        const int64_t at = part->view.index ? part->view.index[i] : i;
        const int32_t class_index = part->set->sample[at].class_index;
        if (class_index >= 0 && class_index < classes) count[class_index]++;
    }
    for (int32_t k = 0; k < classes; k++) json_array_append_new(sizes, json_integer((json_int_t)count[k]));
    free(count);
    return sizes;
}

static void tell_classes(struct run *run)
{
    const struct set *set = run_classes(run);
    json_t *names = json_array();
    for (int32_t k = 0; k < set->classes; k++) json_array_append_new(names, wire_text(set->class_name[k]));
    log_document(run->log, "classes",
                 json_pack("{s:o, s:o, s:o}", "names", names, "train", class_sizes(&run->train, set->classes), "val",
                           class_sizes(&run->val, set->classes)));
}

void tell_run(struct run *run)
{
    tell_layers(run);
    tell_classes(run);
}

/* ---- mistakes ---- */

void mistakes_add(struct mistakes *self, const struct batch *batch, const float *loss, const int32_t *predicted)
{
    for (int64_t i = 0; i < batch->n; i++) {
        if (predicted[i] == batch->target[i] || !isfinite(loss[i])) continue;
        if (self->count == MISTAKES_MAX && self->item[MISTAKES_MAX - 1].loss >= loss[i]) continue;
        int at = self->count < MISTAKES_MAX ? self->count++ : MISTAKES_MAX - 1;
        for (; at > 0 && self->item[at - 1].loss < loss[i]; at--) self->item[at] = self->item[at - 1];
        self->item[at] = (struct mistake){batch->sample[i], batch->target[i], predicted[i], loss[i]};
    }
}

static json_t *mistake(const struct mistake *item, const struct set *set)
{
    char *path = realpath(set->sample[item->sample].path, NULL);
    json_t *json = json_pack("{s:o, s:i, s:i, s:f}", "path", wire_text(path ? path : set->sample[item->sample].path),
                             "target", (int)item->target, "predicted", (int)item->predicted, "loss",
                             (double)item->loss);
    free(path);
    return json;
}

static void tell_mistakes(struct run *run)
{
    const struct mistakes *mistakes = &run->mistakes;
    json_t *list = json_array();
    for (int i = 0; i < mistakes->count; i++) json_array_append_new(list, mistake(&mistakes->item[i], run->val.set));
    log_document(run->log, "mistakes", json_pack("{s:I, s:o}", "step", (json_int_t)run->at.step, "samples", list));
}

/* Only what is not 0: [target, predicted, count]. */
static void tell_confusion(struct run *run)
{
    const struct confusion *confusion = &run->val_metrics.confusion;
    json_t *cells = json_array();
    for (int64_t i = 0; i < (int64_t)confusion->classes * confusion->classes; i++)
        if (confusion->count[i])
            json_array_append_new(cells,
                                  json_pack("[I, I, I]", (json_int_t)(i / confusion->classes),
                                            (json_int_t)(i % confusion->classes), (json_int_t)confusion->count[i]));
    log_document(run->log, "confusion",
                 json_pack("{s:I, s:i, s:o}", "step", (json_int_t)run->at.step, "classes", (int)confusion->classes,
                           "cells", cells));
}

void tell_validation(struct run *run)
{
    tell_confusion(run);
    tell_mistakes(run);
}
