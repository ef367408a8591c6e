/* Small pictures, drawn in cells: half blocks of colour, or letters by brightness. Files are decoded when they
 * are first shown and kept for a while. Thread: the screen's. */
#pragma once

#include "tui/draw/canvas.h"

/* Draws the file's picture into the rectangle, as large as fits (a cell is twice as high as wide). A file that cannot
 * be decoded says why in words. */
void thumbnail_draw(struct canvas *canvas, struct rect rect, const char *path);

/* The same for pixels at hand, [height][width][3], that go by a name of their own. */
struct thumbnail_pixels {
    const char *name;
    const uint8_t *rgb;
    int width, height;
};
void thumbnail_draw_pixels(struct canvas *canvas, struct rect rect, const struct thumbnail_pixels *pixels);

/* Forgets all pictures. */
void thumbnail_release(void);
