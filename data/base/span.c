#include "data/base/span.h"

#include "data/base/clock.h"
#include "data/base/err.h"
#include "data/base/memory.h"
#include "data/base/ring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum { NAMES_MAX = 4096, THREADS_MAX = 256, RING_SPANS = 1 << 14 };

static const char *names[NAMES_MAX] = {
#define X(id, name) [id] = name,
    SPAN_PHASE_LIST(X)
#undef X
};
static _Atomic int name_count = SPAN_PHASES;
static _Atomic int64_t calls_of[NAMES_MAX], ns_of[NAMES_MAX];
static struct ring *rings[THREADS_MAX];
static _Atomic int thread_count;
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local struct ring *own_ring;
static _Thread_local int own_number = -1;

static int find(const char *name, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return i;
    return -1;
}

int span_id(const char *name)
{
    pthread_mutex_lock(&making);
    int count = atomic_load(&name_count), id = find(name, count);
    if (id < 0) {
        lt_assert(count < NAMES_MAX);
        names[id = count] = memory_text(name);
        atomic_store(&name_count, count + 1);
    }
    pthread_mutex_unlock(&making);
    return id;
}

const char *span_name(int id)
{
    return names[id];
}

int span_count(void)
{
    return atomic_load(&name_count);
}

/* Threads past THREADS_MAX record totals only. */
static void join(void)
{
    pthread_mutex_lock(&making);
    int number = atomic_load(&thread_count);
    if (number < THREADS_MAX) {
        rings[number] = own_ring = ring_new(RING_SPANS, sizeof(struct span));
        atomic_store(&thread_count, number + 1);
    }
    own_number = number;
    pthread_mutex_unlock(&making);
}

void span_end(int id, int64_t begin_ns)
{
    if (own_number < 0) join();
    struct span span = {.id = id, .thread = own_number, .begin_ns = begin_ns, .end_ns = clock_ns()};
    atomic_fetch_add_explicit(&calls_of[id], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&ns_of[id], span.end_ns - begin_ns, memory_order_relaxed);
    if (own_ring) ring_push(own_ring, &span);
}

void span_total(int id, int64_t *calls, int64_t *total_ns)
{
    *calls = atomic_load_explicit(&calls_of[id], memory_order_relaxed);
    *total_ns = atomic_load_explicit(&ns_of[id], memory_order_relaxed);
}

int span_drain(struct span *out, int max)
{
    int got = 0, threads = atomic_load(&thread_count);
    for (int i = 0; i < threads && got < max; i++) got += (int)ring_pop(rings[i], out + got, (size_t)(max - got));
    return got;
}
