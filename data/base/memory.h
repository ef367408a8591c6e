/* Host memory. Small allocations never fail (the process aborts with a sentence); large ones (tensors, images, batches)
 * go through memory_try, which returns NULL so that the caller can say what did not fit.
 * Everything here is freed with free(). Thread: any. */
#pragma once

#include <stddef.h>

/* Cache line and vector width that large buffers are aligned to, in bytes. */
#define MEMORY_ALIGN 64

/* Returns `count` zeroed elements of `size` bytes; aborts when there is no memory. */
void *memory_new(size_t count, size_t size) __attribute__((malloc, alloc_size(1, 2), returns_nonnull));

/* Resizes as realloc (new part not zeroed); aborts when there is no memory. */
void *memory_resize(void *old, size_t count, size_t size) __attribute__((alloc_size(2, 3), returns_nonnull));

/* Returns a copy of a string; NULL gives NULL. */
char *memory_text(const char *text);

/* Returns `bytes` bytes aligned to MEMORY_ALIGN, not zeroed, or NULL. From 2 MiB on huge pages are asked for: fewer
 * faults when it is first written. */
void *memory_try(size_t bytes) __attribute__((malloc, alloc_size(1)));

/* Makes room for one more element: doubles *capacity when count == *capacity. */
void *memory_grow(void *old, size_t count, size_t *capacity, size_t size) __attribute__((returns_nonnull));
