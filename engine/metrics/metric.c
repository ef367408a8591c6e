#include "engine/metrics/metric.h"

#include "data/base/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- the confusion matrix ---- */

static size_t cells(const struct confusion *self)
{
    return (size_t)self->classes * (size_t)self->classes;
}

void confusion_init(struct confusion *self, int32_t classes)
{
    self->classes = classes;
    self->count = memory_new(cells(self), sizeof *self->count);
}

void confusion_release(struct confusion *self)
{
    free(self->count);
    *self = (struct confusion){0};
}

void confusion_clear(struct confusion *self)
{
    if (self->count) memset(self->count, 0, cells(self) * sizeof *self->count);
}

void confusion_add(struct confusion *self, const int32_t *target, const int32_t *predicted, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        bool known = target[i] >= 0 && target[i] < self->classes && predicted[i] >= 0 && predicted[i] < self->classes;
        if (known) self->count[(int64_t)target[i] * self->classes + predicted[i]]++;
    }
}

int64_t confusion_total(const struct confusion *self)
{
    int64_t total = 0;
    for (size_t i = 0; i < cells(self); i++) total += self->count[i];
    return total;
}

struct class_counts confusion_class(const struct confusion *self, int32_t class_index)
{
    struct class_counts counts = {.true_positive = self->count[(int64_t)class_index * self->classes + class_index]};
    for (int32_t k = 0; k < self->classes; k++) {
        if (k == class_index) continue;
        counts.false_negative += self->count[(int64_t)class_index * self->classes + k];
        counts.false_positive += self->count[(int64_t)k * self->classes + class_index];
    }
    return counts;
}

/* ---- the table ---- */

static const struct metric *const metrics[] = {
#define METRIC(name) &metric_##name,
#include "engine/metrics/metrics.def"
#undef METRIC
};
enum { METRIC_COUNT = sizeof metrics / sizeof *metrics };

const struct metric *metric_find(const char *name)
{
    const char *names[METRIC_COUNT];
    for (int i = 0; i < METRIC_COUNT; i++) {
        names[i] = metrics[i]->name;
        if (strcmp(names[i], name) == 0) return metrics[i];
    }
    const char *nearest = options_nearest(name, names, METRIC_COUNT);
    (void)lt_fail(LT_EUSAGE, "there is no metric '%s'; did you mean '%s'?", name, nearest ? nearest : names[0]);
    return NULL;
}

/* ---- a stage's metrics ---- */

static enum lt_err read_one(struct metric_set *self, const struct setting *at)
{
    const char *name;
    const struct setting *rest;
    LT_TRY(options_member(&name, &rest, at));
    const struct metric *metric = metric_find(name);
    if (!metric) return setting_fail(at, "%s", lt_message());
    for (size_t i = 0; i < self->count; i++)
        if (self->metric[i] == metric) return setting_fail(at, "the metric '%s' stands twice", name);
    void *options = memory_new(1, metric->bound_bytes);
    enum lt_err err = options_bind_member(options, metric->table, at, rest);
    if (err != LT_OK) {
        free(options);
        return err;
    }
    self->metric[self->count] = metric;
    self->options[self->count++] = options;
    return LT_OK;
}

enum lt_err metric_set_read(struct metric_set *self, const char *stage, const struct setting *list)
{
    *self = (struct metric_set){.stage = stage};
    if (setting_is_null(list)) return LT_OK;
    if (list->kind != SETTING_SEQUENCE)
        return setting_fail(list, "a list of metrics stands here, like [accuracy, f1_score]");
    self->metric = memory_new(list->count, sizeof *self->metric);
    self->options = memory_new(list->count, sizeof *self->options);
    for (size_t i = 0; i < list->count; i++) {
        enum lt_err err = read_one(self, list->child[i]);
        if (err == LT_OK) continue;
        metric_set_release(self);
        return err;
    }
    return LT_OK;
}

void metric_set_release(struct metric_set *self)
{
    for (size_t i = 0; i < self->count; i++) {
        options_release(self->options[i], self->metric[i]->table);
        free(self->options[i]);
    }
    free(self->metric);
    free(self->options);
    confusion_release(&self->confusion);
    *self = (struct metric_set){0};
}

void metric_set_classes(struct metric_set *self, int32_t classes)
{
    confusion_release(&self->confusion);
    confusion_init(&self->confusion, classes);
}

void metric_set_clear(struct metric_set *self)
{
    confusion_clear(&self->confusion);
    self->loss_sum = 0;
    self->samples = 0;
}

void metric_set_add(struct metric_set *self, const float *loss, const int32_t *target, const int32_t *predicted,
                    int64_t n)
{
    for (int64_t i = 0; i < n; i++) self->loss_sum += (double)loss[i];
    self->samples += n;
    confusion_add(&self->confusion, target, predicted, n);
}

double metric_set_loss(const struct metric_set *self)
{
    return self->samples ? self->loss_sum / (double)self->samples : 0;
}

double metric_set_value(const struct metric_set *self, size_t index)
{
    return self->metric[index]->compute(&self->confusion, self->options[index]);
}

/* ---- state: exact, so the sum travels as its bits in hexadecimal ---- */

json_t *metric_set_save(const struct metric_set *self)
{
    char sum[48];
    snprintf(sum, sizeof sum, "%a", self->loss_sum);
    json_t *counts = json_array();
    for (size_t i = 0; i < cells(&self->confusion); i++) {
        if (self->confusion.count[i] == 0) continue; /* sparse: [cell, count] */
        json_array_append_new(counts, json_pack("[I, I]", (json_int_t)i, (json_int_t)self->confusion.count[i]));
    }
    return json_pack("{s:s, s:I, s:i, s:o}", "loss_sum", sum, "samples", (json_int_t)self->samples, "classes",
                     (int)self->confusion.classes, "confusion", counts);
}

enum lt_err metric_set_load(struct metric_set *self, const json_t *state)
{
    metric_set_clear(self);
    const char *sum = json_string_value(json_object_get(state, "loss_sum"));
    if (!sum || json_integer_value(json_object_get(state, "classes")) != self->confusion.classes)
        return lt_fail(LT_EFORMAT, "the checkpoint's metric sums are not of %d classes", self->confusion.classes);
    self->loss_sum = strtod(sum, NULL);
    self->samples = json_integer_value(json_object_get(state, "samples"));
    size_t i;
    json_t *pair;
    json_array_foreach(json_object_get(state, "confusion"), i, pair)
    {
        json_int_t cell = json_integer_value(json_array_get(pair, 0)),
                   count = json_integer_value(json_array_get(pair, 1));
        if (cell < 0 || (size_t)cell >= cells(&self->confusion) || count < 0)
            return lt_fail(LT_EFORMAT, "the checkpoint's metric sums are damaged (cell %lld)", (long long)cell);
        self->confusion.count[cell] = count;
    }
    return LT_OK;
}
