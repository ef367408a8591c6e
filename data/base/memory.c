#include "data/base/memory.h"

#include "data/base/err.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

void *memory_new(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p) lt_panic(__FILE__, __LINE__, "out of memory (%zu x %zu bytes)", count, size);
    return p;
}

void *memory_resize(void *old, size_t count, size_t size)
{
    void *p = reallocarray(old, count ? count : 1, size ? size : 1);
    if (!p) lt_panic(__FILE__, __LINE__, "out of memory (%zu x %zu bytes)", count, size);
    return p;
}

char *memory_text(const char *text)
{
    if (!text) return NULL;
    size_t size = strlen(text) + 1;
    return memcpy(memory_new(size, 1), text, size);
}

void *memory_try(size_t bytes)
{
    if (bytes > SIZE_MAX - HUGE_PAGE) return NULL;
    const size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : MEMORY_ALIGN, whole = (bytes + align - 1) / align * align;
    void *memory = aligned_alloc(align, whole ? whole : align);
    if (memory && align == HUGE_PAGE) madvise(memory, bytes, MADV_HUGEPAGE);
    return memory;
}

void *memory_grow(void *old, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) return old;
    *capacity = *capacity ? *capacity * 2 : 8;
    return memory_resize(old, *capacity, size);
}
