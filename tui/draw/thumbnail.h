/* Small pictures of files, drawn in cells: half blocks of colour, or letters by brightness. Files are decoded when they
 * are first shown and kept for a while. Thread: the screen's. */
#pragma once

#include "tui/draw/canvas.h"

/* Draws the file's picture into the rectangle, as large as fits (a cell is twice as high as wide). A file that cannot
 * be decoded says why in words. */
void thumbnail_draw(struct canvas *canvas, struct rect rect, const char *path);

/* Forgets all pictures. */
void thumbnail_release(void);
