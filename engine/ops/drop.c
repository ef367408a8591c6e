#include "engine/ops/drop.h"

struct rng drop_rng(const struct drop *drop, const struct step *step, int64_t sample)
{
    return rng_at(step->key, drop->layer, step->epoch, (uint32_t)sample);
}

/* FNV-1a. */
static uint32_t hash(const char *text)
{
    uint32_t value = 0x811C9DC5u;
    for (; *text; text++) value = (value ^ (unsigned char)*text) * 0x01000193u;
    return value;
}

struct value *drop_node(struct graph *g, const struct op *op, struct value *x, const char *layer, double p)
{
    const struct drop drop = {p, hash(layer)};
    if (!(p >= 0 && p <= 1)) {
        (void)graph_fail(g, layer, LT_EUSAGE, "%s drops with a probability from 0 to 1, not %g", op->name, p);
        return NULL;
    }
    struct node *node = graph_node(g, op, layer, &drop, sizeof drop, &x, 1);
    return node ? node->out[0] : NULL;
}
