/* A bounded queue of fixed-size items between exactly one producer thread and one consumer thread, without locks.
 * A full ring refuses the item: the producer never waits. The ring owns copies of the items. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring;

/* Returns a ring for at least `capacity` items (rounded up to a power of two) of `item_bytes` each. */
struct ring *ring_new(size_t capacity, size_t item_bytes);
void ring_free(struct ring *self);

/* Producer: copies the item in; false when full (counted as dropped). */
bool ring_push(struct ring *self, const void *item);

/* Consumer: copies up to `max` items out, in order; returns how many. */
size_t ring_pop(struct ring *self, void *items, size_t max);

/* Either side: how many pushes were refused since the ring was made. */
uint64_t ring_dropped(const struct ring *self);
