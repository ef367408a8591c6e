#include "data/base/clock.h"
#include "data/base/span.h"
#include "profiler/profiler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Two spans of known length: the longer one first, shares of the wall time, every line as wide as the first. */
static void table_is_sorted_and_aligned(void **state)
{
    (void)state;
    struct text text = {0};
    span_end(SPAN_FORWARD, clock_ns() - 1000000000);
    span_end(SPAN_BACKWARD, clock_ns() - 2000000000);
    profiler_simple_report(&text, "FIT Profiler Report", 4.0);
    const char *report = text_get(&text), *forward = strstr(report, "forward"), *backward = strstr(report, "backward");
    assert_non_null(forward);
    assert_true(backward && backward < forward);
    assert_non_null(strstr(backward, "|  50"));
    const char *line = strstr(report, "\n\n") + 2;
    size_t width = strcspn(line, "\n");
    for (; *line; line += strcspn(line, "\n") + 1) assert_int_equal(strcspn(line, "\n"), width);
    text_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(table_is_sorted_and_aligned)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
