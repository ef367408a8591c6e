/* Models against torchvision's state_dicts (tests/golden/models.py): names and shapes of all parameters and buffers;
 * and what names do not show: batch norm's numbers, drop probabilities. */
#include "engine/models/model.h"

#include "data/base/memory.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/drop.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct model_options own = {.num_classes = 10, .dropout = -1, .stochastic_depth_prob = -1};

static struct graph *build(const char *name, int64_t size, const struct model_options *options)
{
    const struct model *model = model_find(name);
    if (model == NULL) fail_msg("%s", lt_message());
    struct graph *g = graph_new(1);
    struct value *image = graph_input(g, "image", DTYPE_REAL, SHAPE(1, size, size, 3));
    struct value *logits = model->build(g, image, options);
    if (graph_status(g) == LT_OK) assert_true(shape_equal(logits->shape, SHAPE(1, options->num_classes)));
    return g;
}

/* "NAME SIZE,SIZE…" with convolutions as OIHW. */
static char *line_of(const struct value *value)
{
    struct text line = {0};
    static const int plain[SHAPE_MAX] = {0, 1, 2, 3, 4}, oihw[SHAPE_MAX] = {0, 3, 1, 2, 4};
    const int *order = value->shape.rank == 4 ? oihw : plain;
    text_add(&line, "%s ", value->name);
    for (int i = 0; i < value->shape.rank; i++)
        text_add(&line, "%s%lld", i ? "," : "", (long long)value->shape.size[order[i]]);
    text_add(&line, "\n");
    return text_detach(&line);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All lines, sorted, as one text (caller releases). */
static struct text lines_of(const struct graph *g, int *count)
{
    char **line = memory_new(g->value_count, sizeof *line);
    struct text all = {0};
    *count = 0;
    for (size_t i = 0; i < g->value_count; i++)
        if (g->value[i]->kind == VALUE_PARAMETER || g->value[i]->kind == VALUE_BUFFER)
            line[(*count)++] = line_of(g->value[i]);
    qsort(line, (size_t)*count, sizeof *line, by_bytes);
    for (int i = 0; i < *count; i++) {
        text_add(&all, "%s", line[i]);
        free(line[i]);
    }
    free(line);
    return all;
}

static unsigned long long fnv(const char *text)
{
    unsigned long long hash = 0xCBF29CE484222325u;
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001B3u;
    return hash;
}

static void names_and_shapes_are_torchvisions(void **state)
{
    char path[4096], row[256], name[64];
    const char *root = getenv("LATHE_SOURCE_DIR");
    int tensors, models = 0;
    unsigned long long hash;
    (void)state;
    snprintf(path, sizeof path, "%s/tests/golden/expected/models.txt", root ? root : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(row, sizeof row, file)) {
        if (sscanf(row, "model %63s %d %llx", name, &tensors, &hash) != 3) continue;
        struct graph *g = build(name, 64, &own);
        int count;
        struct text lines = lines_of(g, &count);
        if (count != tensors || fnv(text_get(&lines)) != hash)
            fail_msg("%s has %d tensors, torchvision %d; compare with tests/golden/models.py %s:\n%s", name, count,
                     tensors, name, text_get(&lines));
        text_release(&lines);
        graph_free(g);
        models++;
    }
    fclose(file);
    assert_int_equal(models, 22);
}

/* The layer's node; fails when there is none. */
static const struct node *node_of(const struct graph *g, const char *layer)
{
    for (size_t i = 0; i < g->node_count; i++)
        if (strcmp(g->node[i]->name, layer) == 0) return g->node[i];
    fail_msg("there is no layer %s", layer);
    return NULL;
}

static void batch_norms_have_their_numbers(void **state)
{
    static const struct {
        const char *model, *layer;
        double eps, momentum;
    } expected[] = {{"efficientnet_b0", "features.0.1", 1e-5, 0.1},
                    {"efficientnet_b4", "features.8.1", 1e-5, 0.1},
                    {"efficientnet_b5", "features.3.1.block.3.1", 1e-3, 0.01},
                    {"efficientnet_b7", "features.8.1", 1e-3, 0.01},
                    {"efficientnet_lite0", "features.1.0.block.1.1", 1e-3, 0.01},
                    {"mobilenet_v2", "features.1.conv.2", 1e-5, 0.1},
                    {"mobilenet_v3_small", "features.2.block.1.1", 1e-3, 0.01},
                    {"resnet50", "layer3.2.bn3", 1e-5, 0.1}};
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct graph *g = build(expected[i].model, 64, &own);
        const struct batch_norm_numbers *numbers = node_of(g, expected[i].layer)->options;
        assert_true(numbers->eps == expected[i].eps && numbers->momentum == expected[i].momentum);
        graph_free(g);
    }
}

static double drop_of(const struct graph *g, const char *layer)
{
    return ((const struct drop *)node_of(g, layer)->options)->p;
}

static void drops_grow_with_depth(void **state)
{
    static const struct {
        const char *model;
        double dropout;
    } heads[] = {
        {"efficientnet_b0", 0.2}, {"efficientnet_b2", 0.3}, {"efficientnet_b4", 0.4}, {"efficientnet_b7", 0.5}};
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        struct graph *g = build(heads[i].model, 64, &own);
        assert_true(drop_of(g, "classifier.0") == heads[i].dropout);
        graph_free(g);
    }
    struct graph *g = build("efficientnet_b0", 64, &own);
    assert_true(fabs(drop_of(g, "features.2.1.stochastic_depth") - 0.2 * 2 / 16) < 1e-15);
    assert_true(fabs(drop_of(g, "features.6.3.stochastic_depth") - 0.2 * 14 / 16) < 1e-15);
    graph_free(g);
    const struct model_options none = {.num_classes = 3}, half = {.num_classes = 3, .dropout = 0.5};
    g = build("efficientnet_b1", 64, &none);
    for (size_t i = 0; i < g->node_count; i++)
        assert_false(g->node[i]->op == &op_dropout || g->node[i]->op == &op_stochastic_depth);
    graph_free(g);
    g = build("resnet18", 64, &half);
    assert_true(drop_of(g, "dropout") == 0.5);
    graph_free(g);
}

static void options_without_effect_are_refused(void **state)
{
    static const char *const models[] = {"cnn", "resnet34"};
    const struct model_options deep = {.num_classes = 3, .dropout = -1, .stochastic_depth_prob = 0.1};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct graph *g = build(models[i], 64, &deep);
        assert_int_equal(graph_status(g), LT_EUSAGE);
        assert_non_null(strstr(lt_message(), "stochastic_depth_prob"));
        graph_free(g);
    }
    assert_null(model_find("efficientnet_b9"));
    assert_non_null(strstr(lt_message(), "did you mean efficientnet_b"));
}

static void cnn_takes_pictures_of_any_size(void **state)
{
    struct text first = {0};
    (void)state;
    for (int64_t size = 4; size <= 96; size += 4) {
        struct graph *g = build("cnn", size, &own);
        assert_int_equal(graph_status(g), LT_OK);
        int count;
        struct text lines = lines_of(g, &count);
        if (first.length == 0) text_add(&first, "%s", text_get(&lines));
        assert_string_equal(text_get(&first), text_get(&lines)); /* the same weights fit */
        text_release(&lines);
        graph_free(g);
    }
    text_release(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_shapes_are_torchvisions),
        cmocka_unit_test(batch_norms_have_their_numbers),
        cmocka_unit_test(drops_grow_with_depth),
        cmocka_unit_test(options_without_effect_are_refused),
        cmocka_unit_test(cnn_takes_pictures_of_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
