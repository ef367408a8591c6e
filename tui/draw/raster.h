/* Pixels to draw on: smooth lines, rectangles, letters. Everything outside is cut. Thread: any. */
#pragma once

#include "data/base/err.h"
#include "data/base/text.h"

#include <stdbool.h>
#include <stdint.h>

enum { RASTER_LETTER_WIDTH = 9, RASTER_LETTER_HEIGHT = 15 };

struct raster {
    int width, height;
    uint8_t *rgb;      /* [height][width][3] */
    uint8_t *coverage; /* [height][width]: of what is being drawn, until it is inked; it never darkens itself */
};

/* White. */
void raster_init(struct raster *self, int width, int height);
void raster_release(struct raster *self);

/* Covers a line `thickness` pixels thick, in pixels whose middles are at .5. */
void raster_line(struct raster *self, const double from[2], const double to[2], double thickness);

/* Colours what is covered (0xrrggbb; opacity 0 … 1), and begins anew. */
void raster_ink(struct raster *self, uint32_t color, double opacity);

/* Text in ASCII (else '?') from its upper left corner. */
void raster_text(struct raster *self, int x, int y, uint32_t color, const char *text);

/* Appends the picture, or pixels [height][width][3], as a PNG file. */
enum lt_err raster_png(const struct raster *self, struct text *out) LT_MUST_CHECK;
enum lt_err raster_encode(struct text *out, const uint8_t *rgb, int width, int height) LT_MUST_CHECK;
