#include "engine/backends/pool.h"

#include "data/base/memory.h"
#include "data/base/thread.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* Workers look for new work this often before they sleep: a few microseconds, the time between two instructions of a
 * step. */
enum { SPINS = 2000 };

struct worker {
    struct pool *pool;
    pthread_t thread;
    int number;
};

struct pool {
    int threads; /* the caller counts as number 0 */
    struct worker *worker;
    pthread_mutex_t lock;
    pthread_cond_t work_there, all_done;
    _Atomic uint64_t round; /* counts jobs; workers wait for it to change */
    _Atomic int64_t next;   /* chunk to take */
    _Atomic int busy;       /* workers that have not finished the round */
    _Atomic int leave;
    int sleeping;
    int64_t chunks;
    void (*work)(void *context, int64_t chunk, int thread);
    void *context;
};

static void take_chunks(struct pool *self, int thread)
{
    for (;;) {
        int64_t chunk = atomic_fetch_add_explicit(&self->next, 1, memory_order_relaxed);
        if (chunk >= self->chunks) return;
        self->work(self->context, chunk, thread);
    }
}

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/* Waits for a round after `seen`: a short spin, then sleep. */
static uint64_t await_round(struct pool *self, uint64_t seen)
{
    for (int i = 0; i < SPINS; i++) {
        uint64_t round = atomic_load_explicit(&self->round, memory_order_acquire);
        if (round != seen) return round;
        pause_briefly();
    }
    pthread_mutex_lock(&self->lock);
    self->sleeping++;
    while (atomic_load(&self->round) == seen) pthread_cond_wait(&self->work_there, &self->lock);
    self->sleeping--;
    pthread_mutex_unlock(&self->lock);
    return atomic_load(&self->round);
}

static void *run_worker(void *context)
{
    struct worker *worker = context;
    struct pool *self = worker->pool;
    for (uint64_t seen = 0;;) {
        seen = await_round(self, seen);
        if (atomic_load(&self->leave)) return NULL;
        take_chunks(self, worker->number);
        if (atomic_fetch_sub(&self->busy, 1) != 1) continue;
        pthread_mutex_lock(&self->lock); /* the caller may be asleep already */
        pthread_cond_signal(&self->all_done);
        pthread_mutex_unlock(&self->lock);
    }
}

static void start_round(struct pool *self)
{
    pthread_mutex_lock(&self->lock);
    atomic_fetch_add_explicit(&self->round, 1, memory_order_release);
    if (self->sleeping) pthread_cond_broadcast(&self->work_there);
    pthread_mutex_unlock(&self->lock);
}

static void await_workers(struct pool *self)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&self->busy, memory_order_acquire) == 0) return;
        pause_briefly();
    }
    pthread_mutex_lock(&self->lock);
    while (atomic_load(&self->busy) > 0) pthread_cond_wait(&self->all_done, &self->lock);
    pthread_mutex_unlock(&self->lock);
}

void pool_run(struct pool *self, int64_t chunks, void (*work)(void *context, int64_t chunk, int thread), void *context)
{
    if (self->threads == 1 || chunks == 1) {
        for (int64_t i = 0; i < chunks; i++) work(context, i, 0);
        return;
    }
    self->chunks = chunks;
    self->work = work;
    self->context = context;
    atomic_store_explicit(&self->next, 0, memory_order_relaxed);
    atomic_store(&self->busy, self->threads - 1);
    start_round(self);
    take_chunks(self, 0);
    await_workers(self);
}

enum lt_err pool_new(struct pool **out, int threads)
{
    struct pool *self = memory_new(1, sizeof *self);
    int wanted = threads > 0 ? threads : thread_cores();
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->work_there, NULL);
    pthread_cond_init(&self->all_done, NULL);
    self->worker = memory_new((size_t)wanted, sizeof *self->worker);
    self->threads = 1;
    enum lt_err err = LT_OK;
    while (err == LT_OK && self->threads < wanted) {
        struct worker *worker = &self->worker[self->threads];
        *worker = (struct worker){.pool = self, .number = self->threads};
        char name[24];
        snprintf(name, sizeof name, "compute-%d", worker->number);
        err = thread_start(&worker->thread, name, run_worker, worker);
        if (err == LT_OK) self->threads++;
    }
    if (err == LT_OK)
        *out = self;
    else
        pool_free(self);
    return err;
}

void pool_free(struct pool *self)
{
    if (!self) return;
    atomic_store(&self->leave, 1);
    start_round(self);
    for (int i = 1; i < self->threads; i++) pthread_join(self->worker[i].thread, NULL);
    pthread_mutex_destroy(&self->lock);
    pthread_cond_destroy(&self->work_there);
    pthread_cond_destroy(&self->all_done);
    free(self->worker);
    free(self);
}

int pool_threads(const struct pool *self)
{
    return self->threads;
}
