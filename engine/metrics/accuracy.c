/* Accuracy(task="multiclass") of torchmetrics. */
#include "engine/metrics/metric.h"

struct accuracy_options {
    int average;
};

static const struct option rows[] = {
    {.key = "average",
     .type = OPTION_CHOICE,
     .offset = offsetof(struct accuracy_options, average),
     .initial = "micro",
     .choices = "micro|macro",
     .help = "micro: share of right samples; macro: mean of it over the classes that occur"},
};

static double compute(const struct confusion *confusion, const void *options)
{
    const struct accuracy_options *o = options;
    int64_t right = 0, total = 0;
    double sum = 0;
    int present = 0;
    for (int32_t k = 0; k < confusion->classes; k++) {
        struct class_counts counts = confusion_class(confusion, k);
        right += counts.true_positive;
        total += counts.true_positive + counts.false_negative;
        if (counts.true_positive + counts.false_positive + counts.false_negative == 0) continue;
        int64_t support = counts.true_positive + counts.false_negative;
        sum += support ? (double)counts.true_positive / (double)support : 0;
        present++;
    }
    if (o->average == 0) return total ? (double)right / (double)total : 0;
    return present ? sum / present : 0;
}

const struct metric metric_accuracy = {
    .name = "accuracy",
    .short_name = "acc",
    .help = "share of samples whose predicted class is right",
    .table = OPTION_TABLE(rows),
    .bound_bytes = sizeof(struct accuracy_options),
    .compute = compute,
};
