/* The numbers that both sides derive by formula; defined in tests/golden/trajectories.py. Thread: any. */
#pragma once

#include <stdint.h>

/* u in [0, 1) for element i of the tensor `name`. */
double formula_u(uint64_t name_hash, uint64_t i);
uint64_t formula_hash(const char *name);

/* Target of sample s at step t; pixel at (channel c, row y, column x) of a picture of size * size. */
int32_t formula_target(int s, int t);
struct formula_pixel {
    uint64_t hash; /* formula_hash("image.STEP") */
    int step, sample, size, c, y, x;
};
double formula_pixel(const struct formula_pixel *at);
