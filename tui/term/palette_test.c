#include "tui/term/palette.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct theme_color rgb(int value)
{
    return (struct theme_color){
        .red = (uint8_t)(value >> 16), .green = (uint8_t)(value >> 8), .blue = (uint8_t)value, .has_color = true};
}

/* Every colour of the cube and of the grey ramp is found exactly, from each of its neighbours too. */
static void cube_entries_are_exact(void **state)
{
    (void)state;
    for (int i = 16; i < 256; i++) {
        struct theme_color color = palette_color(i), near = color;
        struct theme_color found = palette_color(palette_nearest(color, 256, PALETTE_DARK));
        assert_memory_equal(&found, &color, sizeof color);
        near.red = (uint8_t)(near.red ? near.red - 1 : 1);
        found = palette_color(palette_nearest(near, 256, PALETTE_DARK));
        assert_memory_equal(&found, &color, sizeof color);
    }
    assert_int_equal(palette_nearest(rgb(0xff0000), 256, PALETTE_DARK), 196); /* as xterm's own 256colres.h has it */
    assert_int_equal(palette_nearest(rgb(0x5fafff), 256, PALETTE_DARK), 75);
    assert_int_equal(palette_nearest(rgb(0x808080), 256, PALETTE_DARK), 244);
}

static void few_colors_go_by_hue(void **state)
{
    (void)state;
    const struct {
        int rgb, of_8, of_16;
    } rows[] = {{0xff5f5f, 1, 9},  {0xaf0000, 1, 1}, {0x87d787, 2, 10}, {0xffaf5f, 3, 11}, {0xd78700, 3, 11},
                {0x5fafff, 4, 12}, {0x005f87, 4, 4}, {0xd787ff, 5, 13}, {0x00afaf, 6, 6},  {0xd0d0d0, 7, 7},
                {0xffffff, 7, 15}, {0x808080, 7, 8}, {0x3a3a3a, 7, 8},  {0x000000, 7, 8}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(palette_nearest(rgb(rows[i].rgb), 8, PALETTE_DARK), rows[i].of_8);
        assert_int_equal(palette_nearest(rgb(rows[i].rgb), 16, PALETTE_DARK), rows[i].of_16);
    }
    assert_int_equal(palette_nearest(rgb(0xeeeeee), 8, 7), 0); /* never the background */
    assert_int_equal(palette_nearest(rgb(0xffffff), 16, 15), 7);
    assert_int_equal(palette_nearest(rgb(0x000000), 8, PALETTE_NONE), 0);
    assert_int_equal(palette_nearest(rgb(0xd75f00), 16, 15), 3); /* nor bright on white */
}

static void direct_colors_are_themselves(void **state)
{
    (void)state;
    assert_int_equal(palette_nearest(rgb(0x123456), PALETTE_DIRECT, PALETTE_DARK), 0x123456);
}

/* A tile of one colour is about that colour; what the palette has is itself. */
static void dither_is_right_on_the_average(void **state)
{
    (void)state;
    enum { TILE = 4, OFF = 60 /* the palette has no better */ };
    static const int colors[] = {0x404040, 0x808080, 0xc0c0c0, 0x803020, 0x206080, 0xb0a040, 0x305030};
    for (int rung = 8; rung <= 16; rung += 8) {
        for (size_t i = 0; i < sizeof colors / sizeof *colors; i++) {
            int sum[3] = {0};
            for (int at = 0; at < TILE * TILE; at++) {
                const int index = palette_dither(rgb(colors[i]), rung, at % TILE, at / TILE);
                assert_in_range(index, 0, rung - 1);
                const struct theme_color c = palette_color(index);
                sum[0] += c.red, sum[1] += c.green, sum[2] += c.blue;
            }
            for (int k = 0; k < 3; k++) {
                const int wanted = colors[i] >> (16 - 8 * k) & 255, got = sum[k] / (TILE * TILE);
                if (got < wanted - OFF || got > wanted + OFF)
                    fail_msg("%d colours, %06x: channel %d is %d", rung, (unsigned)colors[i], k, got);
            }
        }
        for (int at = 0; at < TILE * TILE; at++) {
            assert_int_equal(palette_dither(rgb(0x000000), rung, at % TILE, at / TILE), 0);
            assert_int_equal(palette_dither(rgb(0xffffff), rung, at % TILE, at / TILE) & 7, 7);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cube_entries_are_exact), cmocka_unit_test(few_colors_go_by_hue),
                                       cmocka_unit_test(direct_colors_are_themselves),
                                       cmocka_unit_test(dither_is_right_on_the_average)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
