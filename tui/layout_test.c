#include "tui/layout.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static bool inside(struct rect r, int width, int height)
{
    return r.x >= 0 && r.y >= 0 && r.width >= 0 && r.height >= 0 && r.x + r.width <= width && r.y + r.height <= height;
}

static bool overlap(struct rect a, struct rect b)
{
    return a.width && a.height && b.width && b.height && a.x < b.x + b.width && b.x < a.x + a.width &&
           a.y < b.y + b.height && b.y < a.y + a.height;
}

/* Every size: nothing overlaps, nothing outside; from 80x21 on every pane has room. */
static void every_size(void **state)
{
    (void)state;
    for (int width = 1; width <= 300; width++)
        for (int height = 1; height <= 100; height++) {
            struct layout layout;
            layout_solve(&layout, (struct rect){0, 0, width, height});
            for (int i = 0; i < PANES; i++) {
                assert_true(inside(layout.pane[i], width, height));
                for (int k = 0; k < i; k++) assert_false(overlap(layout.pane[i], layout.pane[k]));
            }
            assert_true(layout.pane[PANE_bars].height >= 1);
            for (int i = 0; width >= 80 && height >= 21 && i < PANES; i++)
                if (i != PANE_header) assert_true(layout.pane[i].width >= 20 && layout.pane[i].height >= 1);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_size)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
