#include "tui/draw/canvas.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The dots of a cell, drawn as text: '#' where one is set, two columns and four rows. */
static uint8_t dots_of(const char *rows)
{
    static const uint8_t bit[4][2] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}; /* as in Unicode's U+28xx */
    uint8_t dots = 0;
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 2; x++)
            if (rows[3 * y + x] == '#') dots |= bit[y][x];
    return dots;
}

static void dots_come_down_the_ladder(void **state)
{
    (void)state;
    const struct {
        const char *rows;
        uint32_t braille, blocks, ascii;
    } cases[] = {
        {".. .. .. ..", ' ', ' ', ' '},        {"#. .. .. ..", 0x2801, 0x2598, '\''},
        {".. .# .. ..", 0x2810, 0x259D, '\''}, {".. .. #. ..", 0x2804, 0x2596, '.'},
        {".. .. .. .#", 0x2880, 0x2597, '.'},  {"## .. .. ..", 0x2809, 0x2580, '\''},
        {".. .. .. ##", 0x28C0, 0x2584, '.'},  {"#. #. #. #.", 0x2847, 0x258C, ':'},
        {".# .# .# .#", 0x28B8, 0x2590, ':'},  {"## ## ## ##", 0x28FF, 0x2588, ':'},
        {"#. .. .. .#", 0x2881, 0x259A, ':'},  {".# .. .. #.", 0x2848, 0x259E, ':'},
    };
    struct canvas braille = {0}, blocks = {.blocks = true}, ascii = {.ascii = true};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t dots = dots_of(cases[i].rows);
        assert_int_equal(canvas_dots(&braille, dots), cases[i].braille);
        assert_int_equal(canvas_dots(&blocks, dots), cases[i].blocks);
        assert_int_equal(canvas_dots(&ascii, dots), cases[i].ascii);
    }
    for (int dots = 1; dots < 256; dots++) /* nothing that is set is lost */
        assert_true(canvas_dots(&blocks, (uint8_t)dots) != ' ' && canvas_dots(&ascii, (uint8_t)dots) != ' ');
}

/* On each rung the eight levels can be told apart, by slot or by character. */
static void heat_can_be_told_apart(void **state)
{
    (void)state;
    for (int rung = 0; rung < 3; rung++) {
        struct canvas canvas = {.few_colors = rung > 0, .ascii = rung > 1};
        canvas_resize(&canvas, 12, 1);
        for (int x = 0; x < 12; x++) canvas_heat(&canvas, x, 0, x - 1);
        assert_int_equal(canvas.cell[0].slot, SLOT_TEXT); /* no value: nothing drawn */
        for (int x = 1; x <= HEAT_LEVELS; x++) {
            assert_int_equal(canvas.cell[x].slot, SLOT_HEAT_0 + x - 1);
            if (rung > 0 && x > 1) assert_int_not_equal(canvas.cell[x].code, canvas.cell[x - 1].code);
            if (rung > 1) assert_true(canvas.cell[x].code < 128);
        }
        assert_memory_equal(&canvas.cell[11], &canvas.cell[HEAT_LEVELS], sizeof *canvas.cell); /* hotter than hot */
        canvas_release(&canvas);
    }
}

static void expect_row(const struct canvas *canvas, int y, const char *text)
{
    for (int x = 0; x < canvas->width; x++)
        assert_int_equal(canvas->cell[y * canvas->width + x].code, x < (int)strlen(text) ? text[x] : ' ');
}

/* Lines end between words, a word too long for a line goes on in the next; what has no line left is cut visibly. */
static void paragraphs_end_between_words(void **state)
{
    (void)state;
    struct canvas canvas = {.ascii = true};
    const struct rect rect = {0, 0, 10, 4};
    canvas_resize(&canvas, 10, 4);
    assert_int_equal(canvas_paragraph(&canvas, rect, SLOT_TEXT, "the fox jumped  over"), 3);
    expect_row(&canvas, 0, "the fox");
    expect_row(&canvas, 1, "jumped");
    expect_row(&canvas, 2, "over");
    canvas_clear(&canvas);
    assert_int_equal(canvas_paragraph(&canvas, rect, SLOT_TEXT, "0123456789abcdef gh"), 2);
    expect_row(&canvas, 0, "0123456789");
    expect_row(&canvas, 1, "abcdef gh");
    canvas_clear(&canvas);
    assert_int_equal(canvas_paragraph(&canvas, (struct rect){0, 0, 10, 1}, SLOT_TEXT, "one two three four"), 2);
    assert_int_equal(canvas.cell[8].code, 't');
    assert_int_equal(canvas.cell[9].code, canvas_glyph(&canvas, GLYPH_ELLIPSIS));
    assert_int_equal(canvas_paragraph(&canvas, (struct rect){.width = 10}, SLOT_TEXT, "  indented one"), 2);
    assert_int_equal(canvas_paragraph(&canvas, (struct rect){.width = 10}, SLOT_TEXT, ""), 0);
    assert_int_equal(canvas_paragraph(&canvas, (struct rect){.width = 0}, SLOT_TEXT, "x"), 0);
    canvas_release(&canvas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(dots_come_down_the_ladder),
                                       cmocka_unit_test(heat_can_be_told_apart),
                                       cmocka_unit_test(paragraphs_end_between_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
