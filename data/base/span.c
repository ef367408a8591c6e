#include "data/base/span.h"

#include "data/base/clock.h"
#include "data/base/err.h"
#include "data/base/memory.h"
#include "data/base/ring.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { NAMES_MAX = 16384, THREADS_MAX = 256, RING_SPANS = 1 << 14 };

static const char *names[NAMES_MAX] = {
#define X(id, name) [id] = name,
    SPAN_PHASE_LIST(X) SPAN_HOOK_LIST(X)
#undef X
        [NAMES_MAX - 1] = "(more)"};
static struct span_kernel kernels[NAMES_MAX]; /* layer 0: no kernel */
static _Atomic int name_count = SPAN_KNOWN;
static _Atomic int64_t calls_of[NAMES_MAX], ns_of[NAMES_MAX];
static struct ring *rings[THREADS_MAX];
static char thread_names[THREADS_MAX][16];
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

/* With the lock held. */
static int add(const char *name, const struct span_kernel *kernel)
{
    int id = atomic_load(&name_count);
    if (id == NAMES_MAX - 1) return id;
    names[id] = memory_text(name);
    if (kernel) kernels[id] = *kernel;
    atomic_store(&name_count, id + 1);
    return id;
}

int span_id(const char *name)
{
    pthread_mutex_lock(&making);
    int id = find(name, atomic_load(&name_count));
    if (id < 0) id = add(name, NULL);
    pthread_mutex_unlock(&making);
    return id;
}

int span_new(const char *name, const struct span_kernel *kernel)
{
    pthread_mutex_lock(&making);
    int id = add(name, kernel);
    pthread_mutex_unlock(&making);
    return id;
}

const struct span_kernel *span_kernel(int id)
{
    return kernels[id].layer ? &kernels[id] : NULL;
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
        pthread_getname_np(pthread_self(), thread_names[number], sizeof thread_names[number]);
        atomic_store(&thread_count, number + 1);
    }
    own_number = number;
    pthread_mutex_unlock(&making);
}

int span_thread(void)
{
    if (own_number < 0) join();
    return own_number;
}

const char *span_thread_name(int thread)
{
    return thread_names[thread];
}

void span_call_thread(const char *name)
{
    const int thread = span_thread();
    if (thread < THREADS_MAX) snprintf(thread_names[thread], sizeof thread_names[thread], "%s", name);
}

int64_t span_end(int id, int64_t begin_ns)
{
    struct span span = {.id = id, .thread = span_thread(), .begin_ns = begin_ns, .end_ns = clock_ns()};
    if (!kernels[id].layer) {
        atomic_fetch_add_explicit(&calls_of[id], 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&ns_of[id], span.end_ns - begin_ns, memory_order_relaxed);
    }
    if (own_ring) ring_push(own_ring, &span);
    return span.end_ns;
}

int64_t span_open(int id)
{
    struct span span = {.id = id, .thread = span_thread(), .begin_ns = clock_ns()};
    if (own_ring) ring_push(own_ring, &span);
    return span.begin_ns;
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
