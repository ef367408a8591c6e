#include "tui/draw/lens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* Whatever is pressed, what is shown lies within the run and the crosshair within what is shown. */
static void nothing_leads_outside(void **state)
{
    (void)state;
    srand(1);
    for (int round = 0; round < 200; round++) {
        struct lens lens = {0};
        const int64_t begin = rand() % 3, end = begin + (int64_t)(rand() % (round % 2 ? 20 : 100000));
        for (int i = 0; i < 200; i++) {
            int64_t first, last;
            switch (rand() % 5) {
            case 0: lens_zoom(&lens, begin, end, 0.5); break;
            case 1: lens_zoom(&lens, begin, end, 2); break;
            case 2: lens_pan(&lens, begin, end, (rand() % 9 - 4) * 0.25); break;
            case 3: lens_move(&lens, begin, end, (rand() % 9 - 4) * 0.05); break;
            default: lens_look_at(&lens, begin, end, begin + rand() % (end - begin + 1)); break;
            }
            lens_range(&lens, begin, end, &first, &last);
            assert_true(first >= begin && last <= end && first <= last);
            if (lens.has_cursor) assert_true(lens.cursor >= begin && lens.cursor <= end);
        }
        for (int i = 0; i < 20; i++) lens_zoom(&lens, begin, end, 2);
        assert_false(lens.zoomed);
    }
}

/* Zooming in keeps the step under the crosshair where it is. */
static void the_crosshair_stays(void **state)
{
    (void)state;
    struct lens lens = {0};
    int64_t first, last;
    lens_look_at(&lens, 1, 1000, 300);
    for (int i = 0; i < 5; i++) {
        lens_zoom(&lens, 1, 1000, 0.5);
        lens_range(&lens, 1, 1000, &first, &last);
        const double share = (double)(300 - first) / (double)(last - first + 1);
        assert_true(lens.cursor == 300 && share > 0.25 && share < 0.35);
    }
    lens_look_at(&lens, 1, 1000, 900); /* outside of what is shown: it pans */
    lens_range(&lens, 1, 1000, &first, &last);
    assert_true(first <= 900 && last >= 900 && last - first < 40);
}

/* A growing run: what is zoomed stays, the rest follows the end. */
static void a_growing_run(void **state)
{
    (void)state;
    struct lens lens = {0};
    int64_t first, last;
    lens_range(&lens, 1, 500, &first, &last);
    assert_true(first == 1 && last == 500);
    lens_range(&lens, 1, 600, &first, &last);
    assert_true(last == 600);
    lens_zoom(&lens, 1, 600, 0.5);
    lens_range(&lens, 1, 600, &first, &last);
    const int64_t before = last;
    lens_range(&lens, 1, 700, &first, &last);
    assert_int_equal(last, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_leads_outside), cmocka_unit_test(the_crosshair_stays),
                                       cmocka_unit_test(a_growing_run)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
