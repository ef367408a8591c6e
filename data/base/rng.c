#include "data/base/rng.h"

#include <math.h>

struct rng_key rng_key(uint64_t seed, enum rng_stream stream)
{
    return (struct rng_key){{(uint32_t)seed, (uint32_t)(seed >> 32) ^ ((uint32_t)stream * 0x9E3779B9u)}};
}

void rng_philox(uint32_t out[4], struct rng_key key, const uint32_t counter[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key.word[0], k1 = key.word[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c0 = n0, c1 = (uint32_t)p1, c2 = n2, c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

struct rng rng_at(struct rng_key key, uint32_t a, uint32_t b, uint32_t c)
{
    return (struct rng){.key = key, .counter = {a, b, c, 0}, .used = 4};
}

uint32_t rng_next(struct rng *self)
{
    if (self->used == 4) {
        rng_philox(self->words, self->key, self->counter);
        self->counter[3]++;
        self->used = 0;
    }
    return self->words[self->used++];
}

float rng_uniform(struct rng *self)
{
    return (float)(rng_next(self) & 0xFFFFFFu) * 0x1p-24f;
}

double rng_uniform_double(struct rng *self)
{
    uint64_t high = rng_next(self), low = rng_next(self);
    return (double)((high << 21) ^ (low >> 11)) * 0x1p-53;
}

double rng_normal(struct rng *self)
{
    double u = 1.0 - rng_uniform_double(self), v = rng_uniform_double(self);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586477 * v);
}

uint32_t rng_below(struct rng *self, uint32_t n)
{
    return rng_next(self) % n;
}

void mt19937_seed(struct mt19937 *self, uint64_t seed)
{
    self->state[0] = (uint32_t)seed;
    for (uint32_t i = 1; i < 624; i++)
        self->state[i] = 1812433253u * (self->state[i - 1] ^ (self->state[i - 1] >> 30)) + i;
    self->next = 624;
}

static void mt19937_refill(struct mt19937 *self)
{
    uint32_t *s = self->state;
    for (int i = 0; i < 624; i++) {
        uint32_t y = (s[i] & 0x80000000u) | (s[(i + 1) % 624] & 0x7FFFFFFFu);
        s[i] = s[(i + 397) % 624] ^ (y >> 1) ^ (y & 1 ? 0x9908B0DFu : 0);
    }
    self->next = 0;
}

uint32_t mt19937_next(struct mt19937 *self)
{
    if (self->next == 624) mt19937_refill(self);
    uint32_t y = self->state[self->next++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9D2C5680u;
    y ^= (y << 15) & 0xEFC60000u;
    return y ^ (y >> 18);
}

void rng_torch_randperm(int64_t *out, int64_t n, uint64_t seed)
{
    struct mt19937 generator;
    mt19937_seed(&generator, seed);
    for (int64_t i = 0; i < n; i++) out[i] = i;
    for (int64_t i = 0; i + 1 < n; i++) {
        int64_t z = (int64_t)(mt19937_next(&generator) % (uint64_t)(n - i)), swap = out[i];
        out[i] = out[i + z];
        out[i + z] = swap;
    }
}
