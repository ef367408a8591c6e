#include "tests/ops/runner.h"

#include "data/base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct backend *const backends[] = {
#define BACKEND(name) &backend_##name,
#include "engine/backends/backends.def"
#undef BACKEND
};
enum { BACKENDS = sizeof backends / sizeof *backends };

static void nothing_to_compare(void **state)
{
    (void)state;
    print_message("  this build has no backend but the reference\n");
    skip();
}

struct test_list {
    struct CMUnitTest *test;
    size_t count;
};

static void append(struct test_list *list, void (*test)(void **state), const struct op_case *c, const struct backend *b)
{
    char name[128];
    struct op_test *state = memory_new(1, sizeof *state);
    *state = (struct op_test){c, b};
    snprintf(name, sizeof name, "%s%s%s", c->name, b ? " on " : "", b ? b->name : "");
    list->test[list->count++] = (struct CMUnitTest){
        .name = memory_text(name), .test_func = test, .initial_state = state};
}

int run_op_tests(const char *group, void (*test)(void **state), enum op_choice choice, bool others)
{
    const size_t most = (size_t)op_case_count * (BACKENDS + 1);
    struct test_list list = {memory_new(most, sizeof(struct CMUnitTest)), 0};
    for (int i = 0; i < op_case_count; i++) {
        const struct op_case *c = &op_cases[i];
        if (choice == OPS_SMALL && c->large) continue;
        if (!others) append(&list, test, c, NULL);
        for (int k = 0; others && k < BACKENDS; k++)
            if (backends[k] != &backend_reference) append(&list, test, c, backends[k]);
    }
    const struct CMUnitTest none = cmocka_unit_test(nothing_to_compare);
    const int failed = list.count ? _cmocka_run_group_tests(group, list.test, list.count, NULL, NULL)
                                  : _cmocka_run_group_tests(group, &none, 1, NULL, NULL);
    for (size_t i = 0; i < list.count; i++) free((char *)list.test[i].name), free(list.test[i].initial_state);
    free(list.test);
    return failed;
}
