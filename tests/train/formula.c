#include "tests/train/formula.h"

#include <math.h>

uint64_t formula_hash(const char *name)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 0x100000001B3u;
    return hash;
}

double formula_u(uint64_t name_hash, uint64_t i)
{
    uint64_t x = name_hash + i + 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    x = x ^ (x >> 31);
    return (double)(x >> 11) * 0x1p-53;
}

int32_t formula_target(int s, int t)
{
    return (7 * s + 3 * t) % 10;
}

double formula_pixel(const struct formula_pixel *p)
{
    const double k = formula_target(p->sample, p->step), c = p->c;
    const double waves = sin(0.2 * (1 + k) * p->x / (1 + c) + c) + cos(0.15 * (10 - k) * p->y + 0.5 * c);
    const int64_t i = (((int64_t)p->sample * 3 + p->c) * p->size + p->y) * p->size + p->x;
    return 0.7 * waves + 0.5 * (2 * formula_u(p->hash, (uint64_t)i) - 1);
}
