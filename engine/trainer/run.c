/* The life of a run: prepare (checks everything, starts no thread), then start.c, then free. */
#include "data/base/memory.h"
#include "engine/trainer/branch.h"

#include <math.h>
#include <stdlib.h>

/* Names that will be logged, so that a callback's monitor or filename can be checked before anything starts. */
static enum lt_err check_callbacks(struct run *run)
{
    declare_all(run);
    const char **known = memory_new(run->values, sizeof *known);
    for (size_t i = 0; i < run->values; i++) known[i] = run->value[i].name;
    enum lt_err err = callbacks_read(&run->callbacks, run->config, known, run->values);
    free(known);
    return err;
}

/* Training and evaluation share one plan, so both pipelines must end alike. */
static enum lt_err check_pipelines(const struct run *run)
{
    int h[2], w[2];
    double mean[2][3], std[2][3];
    const struct pipeline *pipeline[2] = {run->train_pipeline, run->val_pipeline};
    for (int i = 0; i < 2; i++) {
        pipeline_size(pipeline[i], &h[i], &w[i]);
        pipeline_normalize(pipeline[i], mean[i], std[i]);
    }
    if (h[0] != h[1] || w[0] != w[1])
        return lt_fail(
            LT_EUSAGE,
            "data.train_transforms end in %dx%d pixels and data.val_transforms in %dx%d; make them end alike", w[0],
            h[0], w[1], h[1]);
    for (int c = 0; c < 3; c++)
        if (mean[0][c] != mean[1][c] || std[0][c] != std[1][c])
            return lt_fail(LT_EUSAGE,
                           "data.train_transforms and data.val_transforms normalize differently; make them alike");
    return LT_OK;
}

/* What a checkpoint or a file of weights lacks, before anything is created. */
static enum lt_err check_weights(const struct run *run, const struct graph *graph)
{
    if (run->resume) return weights_check(graph, run->resume_path, "");
    const char *weights = run->config->model.weights;
    if (!weights) return LT_OK;
    enum lt_err err = weights_check(graph, weights, run->model->classifier);
    if (err == LT_OK) return LT_OK;
    (void)setting_fail(setting_find(run->config->root, "model.weights"), "%s", lt_message());
    return err;
}

static enum lt_err check_model(struct run *run)
{
    run->model = model_find(run->config->model.name);
    if (!run->model) {
        const struct setting *name = setting_find(run->config->root, "model.name");
        return name ? setting_fail(name, "%s", lt_message()) : LT_EUSAGE;
    }
    run->backend = backend_find(run->config->trainer.backend);
    if (!run->backend)
        return lt_fail(LT_EUSAGE, "trainer.backend: there is no backend '%s'; use cpu or reference",
                       run->config->trainer.backend);
    struct graph *graph;
    LT_TRY(build_graph(&graph, run));
    enum lt_err err = check_weights(run, graph);
    graph_free(graph);
    return err;
}

static enum lt_err prepare(struct run *run, const struct run_request *request)
{
    if (request->checkpoint) {
        run->resume_path = memory_text(request->checkpoint);
        LT_TRY(checkpoint_state(&run->resume, request->checkpoint));
    }
    if (request->branch) LT_TRY(branch_prepare(run));
    if (!is_dry(run)) run->folder = memory_text(request->folder);
    LT_TRY(open_data(run));
    LT_TRY(check_pipelines(run));
    LT_TRY(check_model(run));
    LT_TRY(metric_set_read(&run->train_metrics, "train", run->config->metrics.train));
    bool test = request->verb == RUN_TEST;
    const struct setting *list = test && !setting_is_null(run->config->metrics.test) ? run->config->metrics.test
                                                                                     : run->config->metrics.val;
    LT_TRY(metric_set_read(&run->val_metrics, test ? "test" : "val", list));
    metric_set_classes(&run->train_metrics, run_classes(run)->classes);
    metric_set_classes(&run->val_metrics, run_classes(run)->classes);
    if (request->verb != RUN_FIT) return LT_OK;
    LT_TRY(check_callbacks(run));
    return request->only_forecast ? LT_OK : check_room(run);
}

enum lt_err run_prepare(struct run **self, const struct run_request *request)
{
    struct run *run = memory_new(1, sizeof *run);
    run->verb = request->verb;
    run->config = request->config;
    run->trainer = request->config->trainer;
    run->live = json_object();
    run->changed_data_allowed = request->allow_changed_data;
    run->argc = request->argc;
    run->argv = request->argv;
    run->best = run->loss_now = NAN;
    enum lt_err err = prepare(run, request);
    if (err == LT_OK)
        *self = run;
    else
        run_free(run);
    return err;
}

bool run_continues(const struct run *run)
{
    return run->resume && !run->branch;
}

static void free_part(struct part *part)
{
    loader_free(part->loader);
    if (!part->borrowed) set_free(part->set);
}

void run_free(struct run *run)
{
    if (!run) return;
    close_machine(run);
    profile_free(run->profile);
    usage_free(run->usage);
    callbacks_release(&run->callbacks);
    metric_set_release(&run->train_metrics);
    metric_set_release(&run->val_metrics);
    free_part(&run->test);
    free_part(&run->val);
    free_part(&run->train);
    pipeline_free(run->train_pipeline);
    pipeline_free(run->val_pipeline);
    json_decref(run->resume);
    json_decref(run->live);
    json_decref(run->branch);
    for (size_t i = 0; i < run->values; i++) free((char *)run->value[i].name);
    free(run->value), free(run->value_metric), free(run->split), free(run->folder), free(run->name);
    free(run->checkpoint_folder), free(run->resume_path), free(run->stop_reason);
    free(run);
}
