#include "data/base/ring.h"

#include "data/base/memory.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct ring {
    alignas(64) _Atomic uint64_t head; /* written by the producer */
    alignas(64) _Atomic uint64_t tail; /* written by the consumer */
    alignas(64) _Atomic uint64_t dropped;
    size_t mask, item_bytes;
    unsigned char *items;
};

struct ring *ring_new(size_t capacity, size_t item_bytes)
{
    size_t size = 2;
    while (size < capacity) size *= 2;
    struct ring *self = memory_try(sizeof *self);
    if (!self) abort();
    memset(self, 0, sizeof *self);
    self->mask = size - 1;
    self->item_bytes = item_bytes;
    self->items = memory_new(size, item_bytes);
    return self;
}

void ring_free(struct ring *self)
{
    if (!self) return;
    free(self->items);
    free(self);
}

bool ring_push(struct ring *self, const void *item)
{
    uint64_t head = atomic_load_explicit(&self->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&self->tail, memory_order_acquire);
    if (head - tail > self->mask) {
        atomic_fetch_add_explicit(&self->dropped, 1, memory_order_relaxed);
        return false;
    }
    memcpy(self->items + (head & self->mask) * self->item_bytes, item, self->item_bytes);
    atomic_store_explicit(&self->head, head + 1, memory_order_release);
    return true;
}

size_t ring_pop(struct ring *self, void *items, size_t max)
{
    uint64_t tail = atomic_load_explicit(&self->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&self->head, memory_order_acquire);
    size_t count = head - tail < max ? (size_t)(head - tail) : max;
    for (size_t i = 0; i < count; i++)
        memcpy((unsigned char *)items + i * self->item_bytes,
               self->items + ((tail + i) & self->mask) * self->item_bytes, self->item_bytes);
    atomic_store_explicit(&self->tail, tail + count, memory_order_release);
    return count;
}

uint64_t ring_dropped(const struct ring *self)
{
    return atomic_load_explicit(&self->dropped, memory_order_relaxed);
}
