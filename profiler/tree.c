#include "profiler/tree.h"

#include "data/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 32 };

struct node {
    int id, parent;         /* parent -1: a root */
    int child, next, found; /* first child, next sibling, the child looked for last; -1 = none */
    struct tree_counts counts;
};

/* A hook that is not over. */
struct open {
    int node;
    int64_t begin_ns, counted_ns; /* its total holds everything up to counted_ns */
};

struct tree {
    int thread;
    struct node *node; /* node[0] is the root */
    int nodes;
    size_t capacity;
    int threads; /* first root of other threads, -1 = none */
    struct open open[DEPTH_MAX];
    int depth;
    struct span *pending; /* ended, waiting for what they lie in */
    size_t pendings, pending_capacity;
};

static int add_node(struct tree *self, int id, int parent)
{
    self->node = memory_grow(self->node, (size_t)self->nodes, &self->capacity, sizeof *self->node);
    self->node[self->nodes] = (struct node){.id = id, .parent = parent, .child = -1, .next = -1, .found = -1};
    return self->nodes++;
}

struct tree *tree_new(int thread, int64_t now)
{
    struct tree *self = memory_new(1, sizeof *self);
    self->thread = thread;
    self->threads = -1;
    add_node(self, SPAN_FIT, -1);
    self->node[0].counts.calls = 1;
    self->open[self->depth++] = (struct open){0, now, now};
    return self;
}

void tree_free(struct tree *self)
{
    if (!self) return;
    free(self->node);
    free(self->pending);
    free(self);
}

/* ---- adding ---- */

/* The child with that id, made when missing. Steps repeat themselves, so the one that follows the last found is tried
 * first. */
static int child_of(struct tree *self, int parent, int id)
{
    const int last = self->node[parent].found, start = last >= 0 ? self->node[last].next : -1;
    int found = start;
    while (found >= 0 && self->node[found].id != id) found = self->node[found].next;
    if (found < 0) {
        found = self->node[parent].child;
        while (found >= 0 && found != start && self->node[found].id != id) found = self->node[found].next;
        if (found == start) found = -1;
    }
    if (found < 0) {
        found = add_node(self, id, parent);
        int *link = &self->node[parent].child;
        while (*link >= 0) link = &self->node[*link].next;
        *link = found;
    }
    self->node[parent].found = found;
    return found;
}

static void count(struct tree_counts *counts, int64_t ns)
{
    counts->calls++;
    counts->total_ns += ns;
    histogram_add(&counts->times, ns);
}

/* Adds a span below `parent` and returns its node. A layer has no spans of its own. */
static int add_span(struct tree *self, int parent, const struct span *span)
{
    const struct span_kernel *kernel = span_kernel(span->id);
    if (kernel) {
        parent = child_of(self, parent, kernel->layer);
        self->node[parent].counts.total_ns += span->end_ns - span->begin_ns;
    }
    const int node = child_of(self, parent, span->id);
    count(&self->node[node].counts, span->end_ns - span->begin_ns);
    return node;
}

/* Read backwards, what encloses comes before what is inside. */
static void place_pending(struct tree *self)
{
    struct open above[DEPTH_MAX] = {{.node = self->open[self->depth - 1].node}};
    int depth = 1;
    for (size_t i = self->pendings; i-- > 0;) {
        const struct span *span = &self->pending[i];
        while (depth > 1 && (span->begin_ns < above[depth - 1].begin_ns || span->end_ns <= above[depth - 1].begin_ns))
            depth--;
        const int node = add_span(self, above[depth - 1].node, span);
        if (depth < DEPTH_MAX) above[depth++] = (struct open){.node = node, .begin_ns = span->begin_ns};
    }
    self->pendings = 0;
}

static void open_hook(struct tree *self, const struct span *span)
{
    place_pending(self);
    if (self->depth == DEPTH_MAX) return;
    const int node = child_of(self, self->open[self->depth - 1].node, span->id);
    self->open[self->depth++] = (struct open){node, span->begin_ns, span->begin_ns};
}

/* Closes the open hook that this span ends, and those inside it that an error left open. False when it ends none. */
static bool close_hook(struct tree *self, const struct span *span)
{
    int depth = self->depth;
    while (depth > 1 &&
           (self->open[depth - 1].begin_ns != span->begin_ns || self->node[self->open[depth - 1].node].id != span->id))
        depth--;
    if (depth <= 1) return false;
    place_pending(self);
    while (self->depth >= depth) {
        const struct open *hook = &self->open[--self->depth];
        struct tree_counts *counts = &self->node[hook->node].counts;
        counts->total_ns += span->end_ns - hook->counted_ns;
        counts->calls++;
        histogram_add(&counts->times, span->end_ns - hook->begin_ns);
    }
    return true;
}

static void add_own(struct tree *self, const struct span *span)
{
    if (span->end_ns == 0) {
        open_hook(self, span);
    } else if (!close_hook(self, span)) {
        self->pending = memory_grow(self->pending, self->pendings, &self->pending_capacity, sizeof *self->pending);
        self->pending[self->pendings++] = *span;
    }
}

/* The root of all threads named alike but for a number at the end. */
static int thread_root(struct tree *self, int thread)
{
    char name[16];
    strncpy(name, span_thread_name(thread), sizeof name - 1);
    name[sizeof name - 1] = 0;
    size_t end = strlen(name);
    while (end && name[end - 1] >= '0' && name[end - 1] <= '9') end--;
    if (end && name[end - 1] == '-') name[end - 1] = 0;
    const int id = span_id(name);
    int *link = &self->threads;
    while (*link >= 0 && self->node[*link].id != id) link = &self->node[*link].next;
    if (*link >= 0) return *link;
    const int node = add_node(self, id, -1); /* may move the nodes, and what link points to */
    link = &self->threads;
    while (*link >= 0) link = &self->node[*link].next;
    return *link = node;
}

void tree_add(struct tree *self, const struct span *span, int spans)
{
    int thread = -1, root = -1;
    for (int i = 0; i < spans; i++) {
        if (span[i].thread == self->thread) {
            add_own(self, &span[i]);
            continue;
        }
        if (span[i].end_ns == 0) continue;
        if (span[i].thread != thread) root = thread_root(self, thread = span[i].thread);
        count(&self->node[root].counts, span[i].end_ns - span[i].begin_ns);
        add_span(self, root, &span[i]);
    }
}

void tree_settle(struct tree *self, int64_t now)
{
    place_pending(self);
    for (int i = 0; i < self->depth; i++) {
        self->node[self->open[i].node].counts.total_ns += now - self->open[i].counted_ns;
        self->open[i].counted_ns = now;
    }
}

/* ---- windows ---- */

void tree_set_mark(const struct tree *self, struct tree_mark *mark)
{
    if (mark->capacity < self->nodes) {
        mark->capacity = (int)self->capacity;
        mark->node = memory_resize(mark->node, self->capacity, sizeof *mark->node);
    }
    for (int i = 0; i < self->nodes; i++) mark->node[i] = self->node[i].counts;
    mark->nodes = self->nodes;
}

void tree_mark_release(struct tree_mark *self)
{
    free(self->node);
    *self = (struct tree_mark){0};
}

/* ---- reading ---- */

static struct tree_counts counts_since(const struct tree *self, const struct tree_mark *since, int node)
{
    struct tree_counts counts = self->node[node].counts;
    if (node >= since->nodes) return counts;
    const struct tree_counts *before = &since->node[node];
    counts.calls -= before->calls;
    counts.total_ns -= before->total_ns;
    histogram_subtract(&counts.times, &self->node[node].counts.times, &before->times);
    return counts;
}

static int add_row(struct tree_table *table, const struct tree *self, const struct tree_mark *since, int node)
{
    const struct tree_counts counts = counts_since(self, since, node);
    const int id = self->node[node].id;
    const struct span_kernel *kernel = span_kernel(id);
    table->row = memory_grow(table->row, (size_t)table->rows, &table->capacity, sizeof *table->row);
    struct tree_row *row = &table->row[table->rows];
    *row = (struct tree_row){.id = id, .parent = -1, .name = span_name(id), .calls = counts.calls};
    row->is_kernel = kernel != NULL;
    row->total_s = row->self_s = (double)counts.total_ns * 1e-9;
    row->mean_s = counts.calls ? row->total_s / (double)counts.calls : 0;
    row->p95_s = fmin(row->total_s, histogram_quantile(&counts.times, 0.95) * 1e-9);
    row->flops = kernel ? kernel->flops * (double)counts.calls : 0;
    row->bytes = kernel ? kernel->bytes * (double)counts.calls : 0;
    return table->rows++;
}

/* What a node has of its children: they take from its self time; a layer is the sum of its kernels. */
static void add_to_parent(struct tree_row *parent, const struct tree_row *child)
{
    parent->self_s -= child->total_s;
    if (!child->is_kernel || parent->is_kernel) return;
    if (child->calls > parent->calls) parent->calls = child->calls;
    parent->p95_s += child->p95_s;
    parent->flops += child->flops;
    parent->bytes += child->bytes;
}

struct chosen {
    int node;
    int64_t total_ns;
};

static int longer_first(const void *a, const void *b)
{
    const struct chosen *x = a, *y = b;
    return x->total_ns != y->total_ns ? (x->total_ns < y->total_ns ? 1 : -1) : x->node - y->node;
}

/* A node and its next siblings, in the order of their totals; caller frees. */
static struct chosen *sorted(const struct tree *self, const struct tree_mark *since, int first, int *found)
{
    size_t capacity = 0;
    struct chosen *list = NULL;
    *found = 0;
    for (int i = first; i >= 0; i = self->node[i].next) {
        list = memory_grow(list, (size_t)*found, &capacity, sizeof *list);
        list[(*found)++] = (struct chosen){i, counts_since(self, since, i).total_ns};
    }
    if (!list) return NULL;
    qsort(list, (size_t)*found, sizeof *list, longer_first);
    return list;
}

static void add_rows(struct tree_table *table, const struct tree *self, const struct tree_mark *since, int first,
                     int parent)
{
    int found;
    struct chosen *list = sorted(self, since, first, &found);
    for (int i = 0; i < found; i++) {
        if (list[i].total_ns == 0 && counts_since(self, since, list[i].node).calls == 0) continue;
        const int row = add_row(table, self, since, list[i].node);
        table->row[row].parent = parent;
        table->row[row].depth = parent < 0 ? 0 : table->row[parent].depth + 1;
        add_rows(table, self, since, self->node[list[i].node].child, row);
        if (parent >= 0) add_to_parent(&table->row[parent], &table->row[row]);
    }
    free(list);
}

void tree_read(const struct tree *self, const struct tree_mark *since, struct tree_table *table)
{
    static const struct tree_mark beginning;
    if (!since) since = &beginning;
    *table = (struct tree_table){0};
    add_rows(table, self, since, 0, -1);
    table->beside = table->rows;
    add_rows(table, self, since, self->threads, -1);
    for (int i = 0; i < table->rows; i++) {
        struct tree_row *row = &table->row[i];
        if (row->self_s < 0) row->self_s = 0; /* a rounding error */
        if (row->calls) row->mean_s = row->total_s / (double)row->calls;
        row->share = table->row[0].total_s > 0 ? row->total_s / table->row[0].total_s : 0;
    }
}

void tree_table_release(struct tree_table *self)
{
    free(self->row);
    *self = (struct tree_table){0};
}

const struct tree_row *tree_find(const struct tree_table *self, const char *path)
{
    int parent = -1;
    for (;;) {
        const size_t length = strcspn(path, "/");
        int i = parent + 1;
        while (i < self->rows && !(self->row[i].parent == parent && strncmp(self->row[i].name, path, length) == 0 &&
                                   self->row[i].name[length] == 0))
            i++;
        if (i == self->rows) return NULL;
        if (!path[length]) return &self->row[i];
        parent = i;
        path += length + 1;
    }
}
