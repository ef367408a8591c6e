#include "tui/term/palette.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

static const int steps[6] = {0, 95, 135, 175, 215, 255};

static int square(int x)
{
    return x * x;
}

/* ---- 256: the 6x6x6 cube and 24 greys ---- */

static int nearest_256(struct theme_color c)
{
    const int rgb[3] = {c.red, c.green, c.blue}, weight[3] = {36, 6, 1};
    int index = 16, off = 0;
    for (int i = 0; i < 3; i++) {
        int best = 0;
        for (int k = 1; k < 6; k++)
            if (abs(steps[k] - rgb[i]) < abs(steps[best] - rgb[i])) best = k;
        index += weight[i] * best;
        off += square(steps[best] - rgb[i]);
    }
    for (int k = 0; k < 24; k++) {
        int grey = 8 + 10 * k, distance = square(grey - rgb[0]) + square(grey - rgb[1]) + square(grey - rgb[2]);
        if (distance < off) off = distance, index = 232 + k;
    }
    return index;
}

/* ---- 8 and 16: by hue ---- */

enum { BLACK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, WHITE, BRIGHT };

/* As seen, not as on the wheel: orange reads as yellow, azure as blue, violet as magenta. */
static int hue_index(int hue)
{
    static const struct {
        int below, index;
    } sectors[] = {{20, RED}, {70, YELLOW}, {158, GREEN}, {196, CYAN}, {265, BLUE}, {342, MAGENTA}, {360, RED}};
    int i = 0;
    while (hue >= sectors[i].below) i++;
    return sectors[i].index;
}

/* In degrees; the colour is no grey. */
static int hue_of(int red, int green, int blue, int high, int low)
{
    int span = high - low;
    int hue = high == red     ? 60 * (green - blue) / span
              : high == green ? 120 + 60 * (blue - red) / span
                              : 240 + 60 * (red - green) / span;
    return (hue + 360) % 360;
}

/* Of black, dark grey, light grey and white the nearest that is not the background. */
static int grey_index(int level, int colors, int background)
{
    static const struct {
        int index, level;
    } greys[] = {{BLACK, 0}, {WHITE, 208}, {BRIGHT + BLACK, 110}, {BRIGHT + WHITE, 255}};
    int best = WHITE, off = 1000;
    for (int i = 0; i < (colors >= 16 ? 4 : 2); i++)
        if (greys[i].index != background && abs(greys[i].level - level) < off)
            off = abs(greys[i].level - level), best = greys[i].index;
    return best;
}

/* Colours stand on a dark ground in their bright form where they are bright, on a light one always in their dark one.
 */
static int nearest_16(struct theme_color c, int colors, int background)
{
    int red = c.red, green = c.green, blue = c.blue;
    int high = red > green ? red : green, low = red < green ? red : green;
    if (blue > high) high = blue;
    if (blue < low) low = blue;
    if (high - low <= 40) return grey_index((high + low) / 2, colors, background == PALETTE_DARK ? BLACK : background);
    int index = hue_index(hue_of(red, green, blue, high, low));
    bool on_light = background == WHITE || background == BRIGHT + WHITE;
    return colors >= 16 && high > 200 && !on_light ? BRIGHT + index : index;
}

int palette_nearest(struct theme_color color, int colors, int background)
{
    if (colors >= PALETTE_DIRECT) return color.red << 16 | color.green << 8 | color.blue;
    return colors >= 256 ? nearest_256(color) : nearest_16(color, colors, background);
}

/* ---- back ---- */

struct theme_color palette_color(int index)
{
    static const uint8_t base[16][3] = {{0, 0, 0},       {205, 0, 0},   {0, 205, 0},   {205, 205, 0},
                                        {0, 0, 238},     {205, 0, 205}, {0, 205, 205}, {229, 229, 229},
                                        {127, 127, 127}, {255, 0, 0},   {0, 255, 0},   {255, 255, 0},
                                        {92, 92, 255},   {255, 0, 255}, {0, 255, 255}, {255, 255, 255}};
    struct theme_color color = {.has_color = true};
    if (index < 16) {
        color.red = base[index][0], color.green = base[index][1], color.blue = base[index][2];
    } else if (index < 232) {
        int cube = index - 16;
        color.red = (uint8_t)steps[cube / 36], color.green = (uint8_t)steps[cube / 6 % 6];
        color.blue = (uint8_t)steps[cube % 6];
    } else {
        color.red = color.green = color.blue = (uint8_t)(8 + 10 * (index - 232));
    }
    return color;
}

/* ---- pictures ---- */

int palette_dither(struct theme_color color, int colors, int x, int y)
{
    static const int8_t bayer[4][4] = {{0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}};
    const int rank = 2 * bayer[y & 3][x & 3] - 15, half = 128; /* rank: -15 … 15 */
    if (colors < 16) {                                         /* each channel is on or off, so greys stay grey */
        const int shift = rank * half / 16;
        return (color.red + shift >= half) | (color.green + shift >= half) << 1 | (color.blue + shift >= half) << 2;
    }
    const int shift = rank * half / 32, rgb[3] = {color.red + shift, color.green + shift, color.blue + shift};
    int best = 0, off = INT_MAX;
    for (int i = 0; i < 16; i++) {
        const struct theme_color c = palette_color(i);
        const int distance = square(c.red - rgb[0]) + square(c.green - rgb[1]) + square(c.blue - rgb[2]);
        if (distance < off) off = distance, best = i;
    }
    return best;
}
