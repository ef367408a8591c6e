/* A terminal that tests can look at: what is on its screen after a program's bytes, by libvterm. Thread: the test's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EMULATOR_DEFAULT = -1 /* the terminal's own colour */, EMULATOR_RGB = 1 << 24 /* | 0xrrggbb; else an index */ };

struct emulator_look {
    int32_t ink, ground; /* colours */
    bool bold, dim, underline, reverse;
};

struct emulator_cell {
    uint32_t code; /* ' ' where nothing is; 0: the right half of a wide character */
    struct emulator_look look;
};

struct emulator;

struct emulator *emulator_new(int width, int height);
void emulator_free(struct emulator *self);

void emulator_feed(struct emulator *self, const char *bytes, size_t length);

/* What it has to answer to the program (to a status report: ESC [ 0 n) since the last call; returns the bytes. */
size_t emulator_answer(struct emulator *self, char *bytes, size_t room);

struct emulator_cell emulator_at(const struct emulator *self, int x, int y);
