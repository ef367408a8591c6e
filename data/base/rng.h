/* Random numbers. Philox4x32-10 (Salmon et al., SC 2011) is counter-based: a number is a pure function of key and
 * counter, so there is no state to save. mt19937 is torch's CPU generator, needed where torch's own order must be
 * reproduced. Thread: any; nothing is shared. */
#pragma once

#include <stdint.h>

/* Streams keep the uses of one seed apart; the number goes into the key. */
enum rng_stream { RNG_INIT = 1, RNG_AUGMENT = 2, RNG_DROPOUT = 3, RNG_TEST = 4 };

struct rng_key {
    uint32_t word[2];
};

/* The key of one stream of a run's seed. */
struct rng_key rng_key(uint64_t seed, enum rng_stream stream);

/* Four 32-bit words for a 128-bit counter. */
void rng_philox(uint32_t out[4], struct rng_key key, const uint32_t counter[4]);

/* A sequence of numbers from one place: counter (a, b, c, 0…). */
struct rng {
    struct rng_key key;
    uint32_t counter[4];
    uint32_t words[4];
    int used; /* words already handed out; 4 = draw a new block */
};

struct rng rng_at(struct rng_key key, uint32_t a, uint32_t b, uint32_t c);
uint32_t rng_next(struct rng *self);

/* Uniform in [0, 1), 24 bits, as torch's float rand: (x & 0xffffff) * 2^-24. */
float rng_uniform(struct rng *self);

/* Uniform in [0, 1) with 53 bits. */
double rng_uniform_double(struct rng *self);

/* Standard normal (Box-Muller). */
double rng_normal(struct rng *self);

/* Integer in 0 … n-1, as torch's randint: x % n. */
uint32_t rng_below(struct rng *self, uint32_t n);

struct mt19937 {
    uint32_t state[624];
    int next;
};

/* torch.Generator().manual_seed(seed): the low 32 bits count. */
void mt19937_seed(struct mt19937 *self, uint64_t seed);
uint32_t mt19937_next(struct mt19937 *self);

/* torch.randperm(n) of a generator just seeded with `seed`: out[n]. n < 2^32/20. */
void rng_torch_randperm(int64_t *out, int64_t n, uint64_t seed);
