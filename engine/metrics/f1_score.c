/* F1Score(task="multiclass") of torchmetrics: per class 2 tp / (2 tp + fp + fn), 0/0 = 0; macro counts the classes that
 * occur in target or prediction. */
#include "engine/metrics/metric.h"

struct f1_options {
    int average;
};

enum { MACRO, MICRO, WEIGHTED };

static const struct option rows[] = {
    {.key = "average",
     .type = OPTION_CHOICE,
     .offset = offsetof(struct f1_options, average),
     .initial = "macro",
     .choices = "macro|micro|weighted",
     .help = "mean over the classes that occur in target or prediction (macro), over samples (micro), by class size "
             "(weighted)"},
};

static double f1(double true_positive, double wrong)
{
    double all = 2 * true_positive + wrong;
    return all > 0 ? 2 * true_positive / all : 0;
}

static double compute(const struct confusion *confusion, const void *options)
{
    const struct f1_options *o = options;
    double sum = 0, weight = 0, right = 0, wrong = 0;
    for (int32_t k = 0; k < confusion->classes; k++) {
        struct class_counts counts = confusion_class(confusion, k);
        double misses = (double)(counts.false_positive + counts.false_negative), hits = (double)counts.true_positive;
        if (hits + misses == 0) continue;
        double w = o->average == WEIGHTED ? (double)(counts.true_positive + counts.false_negative) : 1;
        sum += w * f1(hits, misses);
        weight += w;
        right += hits;
        wrong += misses;
    }
    if (o->average == MICRO) return f1(right, wrong);
    return weight > 0 ? sum / weight : 0;
}

const struct metric metric_f1_score = {
    .name = "f1_score",
    .short_name = "f1",
    .help = "harmonic mean of precision and recall",
    .table = OPTION_TABLE(rows),
    .bound_bytes = sizeof(struct f1_options),
    .compute = compute,
};
