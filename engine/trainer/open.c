/* Opening the data of a run and checking it against configuration, model and checkpoint. No thread, nothing created. */
#include "data/base/memory.h"
#include "engine/trainer/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum lt_err open_set(struct part *part, const struct data_options *data, const char *folder,
                            const struct pipeline *pipeline)
{
    LT_TRY(set_open(&part->set, data->name, folder));
    part->view = (struct view){.set = part->set, .count = part->set->samples, .pipeline = pipeline};
    return LT_OK;
}

static void borrow_set(struct part *part, const struct part *from, struct view view)
{
    part->set = from->set;
    part->borrowed = true;
    view.set = from->set;
    part->view = view;
}

/* One folder cut in train, validation and what is left (for test) by torch's random_split. */
static enum lt_err open_split(struct run *run)
{
    const struct data_options *data = &run->config->data;
    LT_TRY(open_set(&run->train, data, data->data_dir, run->train_pipeline));
    int64_t n = run->train.set->samples, train_count;
    run->split = memory_new((size_t)n, sizeof *run->split);
    split_indices(run->split, &train_count, n, data->split.train, (uint64_t)data->split.seed);
    int64_t rest = n - train_count, val_count = rest;
    if (data->split.train + data->split.val < 1 - 1e-9) val_count = (int64_t)((double)n * data->split.val);
    if (train_count < 1)
        return lt_fail(LT_EUSAGE,
                       "%s: a training share of %g of %" PRId64 " pictures is none; raise data.split.train or add "
                       "pictures",
                       data->data_dir, data->split.train, n);
    run->train.view.index = run->split;
    run->train.view.count = train_count;
    borrow_set(&run->val, &run->train,
               (struct view){.index = run->split + train_count, .count = val_count, .pipeline = run->val_pipeline});
    if (rest > val_count) {
        borrow_set(&run->test, &run->train,
                   (struct view){.index = run->split + train_count + val_count,
                                 .count = rest - val_count,
                                 .pipeline = run->val_pipeline});
        run->test_words = "the part of data.data_dir that is neither train nor val";
    }
    return LT_OK;
}

static enum lt_err same_classes(const struct set *a, const struct set *b)
{
    for (int32_t i = 0; i < a->classes || i < b->classes; i++) {
        const char *left = i < a->classes ? a->class_name[i] : "none",
                   *right = i < b->classes ? b->class_name[i] : "none";
        if (strcmp(left, right) != 0)
            return lt_fail(LT_EDATA,
                           "%s and %s do not have the same classes (first difference: '%s' and '%s'); make their "
                           "subfolders alike",
                           a->root, b->root, left, right);
    }
    return LT_OK;
}

static enum lt_err open_test(struct run *run)
{
    const struct data_options *data = &run->config->data;
    if (data->test_dir) {
        if (run->test.borrowed) run->test = (struct part){0};
        LT_TRY(open_set(&run->test, data, data->test_dir, run->val_pipeline));
        run->test_words = "data.test_dir";
    } else if (!run->test.set && run->val.set) {
        borrow_set(&run->test, &run->val, run->val.view);
        run->test_words = "the validation data (there is no data.test_dir)";
    }
    return LT_OK;
}

static enum lt_err open_folders(struct run *run)
{
    const struct data_options *data = &run->config->data;
    if (data->train_dir) {
        LT_TRY(open_set(&run->train, data, data->train_dir, run->train_pipeline));
        if (data->val_dir) LT_TRY(open_set(&run->val, data, data->val_dir, run->val_pipeline));
    } else if (data->data_dir) {
        LT_TRY(open_split(run));
    } else if (run->verb != RUN_TEST || !data->test_dir) {
        return lt_fail(LT_EUSAGE, "no data: give data.data_dir (one folder, cut by data.split), or data.train_dir and "
                                  "data.val_dir");
    }
    LT_TRY(open_test(run));
    if (run->train.set && run->val.set && !run->val.borrowed) LT_TRY(same_classes(run->train.set, run->val.set));
    if (run->train.set && run->test.set && !run->test.borrowed) LT_TRY(same_classes(run->train.set, run->test.set));
    return LT_OK;
}

const struct set *run_classes(const struct run *run)
{
    return run->train.set ? run->train.set : run->test.set;
}

static enum lt_err check_classes(const struct run *run)
{
    const struct set *set = run_classes(run);
    int64_t wanted = run->config->model.num_classes;
    if (wanted && wanted != set->classes)
        return lt_fail(LT_EUSAGE,
                       "model.num_classes is %" PRId64 " but %s has %d classes; drop the key or correct one of them",
                       wanted, set->root, set->classes);
    const json_t *classes = run->resume ? json_object_get(run->resume, "classes") : NULL;
    if (!classes) return LT_OK;
    for (int32_t i = 0; i < set->classes || i < (int32_t)json_array_size(classes); i++) {
        const char *then = json_string_value(json_array_get(classes, (size_t)i));
        const char *now = i < set->classes ? set->class_name[i] : NULL;
        if (!then || !now || strcmp(then, now) != 0)
            return lt_fail(LT_EDATA, "%s was trained on other classes than %s has (class %d: '%s' then, '%s' now)",
                           run->resume_path, set->root, i, then ? then : "none", now ? now : "none");
    }
    return LT_OK;
}

/* A fit that goes on must see the files it started with: order and split hang on the list. */
static enum lt_err check_same_files(struct run *run)
{
    if (run->verb != RUN_FIT || !run->resume) return LT_OK;
    const char *then = json_string_value(json_object_get(run->resume, "data_hash"));
    char now[32];
    snprintf(now, sizeof now, "%016" PRIx64, run->data_hash);
    if (!then || strcmp(then, now) == 0 || run->changed_data_allowed) return LT_OK;
    return lt_fail(LT_EDATA,
                   "the list of files in %s changed since %s was written, so the run cannot go on as it was; "
                   "restore the files, or add --allow_changed_data to go on all the same",
                   run->train.set->root, run->resume_path);
}

static int64_t count_batches(const struct run *run, const struct part *part, bool drop_last)
{
    int64_t size = run->config->data.batch_size;
    return part->set ? (part->view.count + (drop_last ? 0 : size - 1)) / size : 0;
}

void count_validation(struct run *run)
{
    run->val.batches = amount_of(run->trainer.limit_val_batches, count_batches(run, &run->val, false));
}

/* An epoch that has begun is finished, whatever max_epochs says. The schedule's total counts from here too, so that it
 * ends with the run also where epochs were of another length before. */
void plan_steps(struct run *run)
{
    const struct trainer_options *trainer = &run->trainer;
    const int64_t window = trainer->accumulate_grad_batches, per_epoch = run->steps_per_epoch,
                  done = (run->at.batch + window - 1) / window; /* steps of this epoch */
    const int64_t least = run->at.epoch + (run->at.batch > 0),
                  epochs = trainer->max_epochs < least ? least : trainer->max_epochs;
    run->steps_planned = 0;
    if (trainer->max_epochs >= 0) run->steps_planned = run->at.step + (epochs - run->at.epoch) * per_epoch - done;
    if (trainer->max_steps >= 0 && (trainer->max_epochs < 0 || trainer->max_steps < run->steps_planned))
        run->steps_planned = trainer->max_steps;
    run->lr.total = run->steps_planned;
    if (run->lr.interval == SCHEDULE_STEP || run->steps_planned <= run->at.step) return;
    const int64_t left = run->steps_planned - run->at.step + done;
    run->lr.total = run->at.epoch + (left + per_epoch - 1) / per_epoch;
}

static enum lt_err count_steps(struct run *run)
{
    const struct trainer_options *trainer = &run->trainer;
    run->train.batches = amount_of(trainer->limit_train_batches,
                                   count_batches(run, &run->train, run->config->data.drop_last));
    count_validation(run);
    run->test.batches = amount_of(trainer->limit_test_batches, count_batches(run, &run->test, false));
    if (run->verb != RUN_FIT) return LT_OK;
    if (run->train.batches < 1)
        return lt_fail(LT_EUSAGE,
                       "no batch to train on: %" PRId64 " pictures, data.batch_size %" PRId64 "%s; lower the batch "
                       "size or raise trainer.limit_train_batches",
                       run->train.view.count, run->config->data.batch_size,
                       run->config->data.drop_last ? ", data.drop_last" : "");
    int64_t window = trainer->accumulate_grad_batches;
    run->steps_per_epoch = (run->train.batches + window - 1) / window;
    run->lr = run->config->lr;
    plan_steps(run);
    return LT_OK;
}

enum lt_err open_data(struct run *run)
{
    LT_TRY(pipeline_read(&run->train_pipeline, run->config->data.train_transforms));
    LT_TRY(pipeline_read(&run->val_pipeline, run->config->data.val_transforms));
    LT_TRY(open_folders(run));
    run->data_hash = run_classes(run)->hash;
    if (run->val.set && !run->val.borrowed) run->data_hash ^= run->val.set->hash * 0x9E3779B97F4A7C15u;
    LT_TRY(check_classes(run));
    LT_TRY(check_same_files(run));
    return count_steps(run);
}
