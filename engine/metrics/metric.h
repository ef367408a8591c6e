/* Metrics of classification, all from one confusion matrix per stage; definitions are torchmetrics'. Sums are exact
 * integers, the loss a sample-weighted sum in double over samples in batch order. Thread: the trainer's. */
#pragma once

#include "data/base/options.h"

#include <jansson.h>
#include <stdint.h>

/* Row = target, column = prediction. Zero-initialised is releasable. */
struct confusion {
    int32_t classes;
    int64_t *count; /* [classes, classes] */
};
void confusion_init(struct confusion *self, int32_t classes);
void confusion_release(struct confusion *self);
void confusion_clear(struct confusion *self);
void confusion_add(struct confusion *self, const int32_t *target, const int32_t *predicted, int64_t n);
int64_t confusion_total(const struct confusion *self);

/* What one class got right and wrong. */
struct class_counts {
    int64_t true_positive, false_positive, false_negative;
};
struct class_counts confusion_class(const struct confusion *self, int32_t class_index);

struct metric {
    const char *name;       /* in configuration: "accuracy", "f1_score" */
    const char *short_name; /* in logs: "acc", "f1" */
    const char *help;
    struct option_table table;
    size_t bound_bytes;
    double (*compute)(const struct confusion *confusion, const void *options);
};

#define METRIC(name) extern const struct metric metric_##name;
#include "engine/metrics/metrics.def"
#undef METRIC
const struct metric *metric_find(const char *name);

/* The metrics of one stage ("train", "val", "test") as configuration chose them, and their running state. */
struct metric_set {
    const char *stage;
    const struct metric **metric;
    void **options;
    size_t count;
    struct confusion confusion;
    double loss_sum;
    int64_t samples;
};
/* `list`: [accuracy, {f1_score: {average: macro}}]; null gives none. The confusion matrix is made later, by
 * metric_set_classes. */
enum lt_err metric_set_read(struct metric_set *self, const char *stage, const struct setting *list) LT_MUST_CHECK;
void metric_set_release(struct metric_set *self);
void metric_set_classes(struct metric_set *self, int32_t classes);
void metric_set_clear(struct metric_set *self);
void metric_set_add(struct metric_set *self, const float *loss, const int32_t *target, const int32_t *predicted,
                    int64_t n);
double metric_set_loss(const struct metric_set *self);
double metric_set_value(const struct metric_set *self, size_t index);

/* State for checkpoints taken inside an epoch: exact. */
json_t *metric_set_save(const struct metric_set *self);
enum lt_err metric_set_load(struct metric_set *self, const json_t *state) LT_MUST_CHECK;
