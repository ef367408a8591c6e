/* Every op against PyTorch float64 (tests/golden/ops.py): outputs, all gradients, running statistics, evaluation; on
 * the reference backend in double, to 1e-10 of the norm. */
#include "tests/ops/one_node.h"
#include "tests/train/formula.h"

#include "data/base/memory.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PROJECTIONS = 4 };
static const double bound = 1e-10;

/* What is stored of a tensor. */
struct record {
    char what[16];
    long long count;
    double norm, sum[PROJECTIONS];
};

static const struct op_case *find_case(const char *name)
{
    for (int i = 0; i < op_case_count; i++)
        if (strcmp(op_cases[i].name, name) == 0) return &op_cases[i];
    return NULL;
}

static const struct result *find_result(const struct results *a, const struct results *b, const char *what)
{
    for (int i = 0; i < a->count; i++)
        if (strcmp(a->item[i].name, what) == 0) return &a->item[i];
    for (int i = 0; i < b->count; i++)
        if (strcmp(b->item[i].name, what) == 0) return &b->item[i];
    return NULL;
}

static double projection(const struct result *result, int j)
{
    char name[32];
    double sum = 0;
    snprintf(name, sizeof name, "project.%d", j);
    const uint64_t hash = formula_hash(name);
    for (int64_t i = 0; i < result->count; i++) sum += result->value[i] * (2 * formula_u(hash, (uint64_t)i) - 1);
    return sum;
}

static void check_record(const char *name, const struct result *result, const struct record *record)
{
    assert_int_equal(result->count, record->count);
    double squares = 0;
    for (int64_t i = 0; i < result->count; i++) squares += result->value[i] * result->value[i];
    if (!(fabs(sqrt(squares) - record->norm) <= bound * record->norm))
        fail_msg("%s: %s has the norm %.17g, PyTorch %.17g", name, record->what, sqrt(squares), record->norm);
    for (int j = 0; j < PROJECTIONS; j++) {
        const double off = fabs(projection(result, j) - record->sum[j]);
        if (!(off <= bound * record->norm)) fail_msg("%s: %s differs by %.3g", name, record->what, off / record->norm);
    }
}

/* Reads the records of one case up to the next; *line holds that one's first line, or "" at the end. */
static void check_case(FILE *file, char *line, size_t size, const struct op_case *c)
{
    struct one_node m;
    struct record record;
    int records = 0;
    assert_true(one_node_open(&m, c, (struct one_node_options){&backend_reference, .real = DTYPE_F64}));
    struct results train = one_node_train(&m), evaluation = one_node_evaluation(&m);
    while (fgets(line, (int)size, file) && strncmp(line, "case ", 5) != 0) {
        double *s = record.sum;
        assert_int_equal(sscanf(line, "%15s %lld %lf %lf %lf %lf %lf", record.what, &record.count, &record.norm, &s[0],
                                &s[1], &s[2], &s[3]),
                         3 + PROJECTIONS);
        const struct result *result = find_result(&train, &evaluation, record.what);
        if (result == NULL) fail_msg("%s: nothing is called %s", c->name, record.what);
        check_record(c->name, result, &record);
        records += strncmp(record.what, "evaluate", 8) != 0;
        line[0] = '\0';
    }
    if (records != train.count) fail_msg("%s: %d of %d results are stored", c->name, records, train.count);
    results_release(&train), results_release(&evaluation);
    one_node_close(&m);
}

static void ops_compute_what_pytorch_does(void **state)
{
    (void)state;
    char path[4096], line[512] = "", name[96];
    const char *root = getenv("LATHE_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/tests/golden/expected/ops.txt", root ? root : ".");
    FILE *file = fopen(path, "r");
    if (file == NULL) fail_msg("cannot open %s", path);
    int checked = 0, small = 0;
    assert_non_null(fgets(line, sizeof line, file));
    while (sscanf(line, "case %95s", name) == 1) {
        const struct op_case *c = find_case(name);
        if (c == NULL) fail_msg("tests/ops/cases.c has no case %s", name);
        check_case(file, line, sizeof line, c);
        checked++;
    }
    fclose(file);
    for (int i = 0; i < op_case_count; i++) small += !op_cases[i].large;
    assert_int_equal(checked, small); /* each small case is stored */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ops_compute_what_pytorch_does)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
