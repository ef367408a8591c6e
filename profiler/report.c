/* The advanced report, as text. */
#include "data/base/memory.h"
#include "profiler/profile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOWEST_KERNELS = 20 };
static const double least_share = 0.0005;

/* ---- the tree ---- */

static void add_rates(struct text *out, const struct tree_row *row)
{
    if (row->flops > 0 && row->total_s > 0)
        text_add(out, " %9.1f", row->flops / row->total_s * 1e-9);
    else
        text_add(out, " %9s", "");
    if (row->bytes > 0 && row->total_s > 0) text_add(out, " %7.1f", row->bytes / row->total_s * 1e-9);
    text_add(out, "\n");
}

/* Ends of names tell layers apart, so it is the beginning that is cut. */
static const char *fit_in(const char *name, int room)
{
    const size_t length = strlen(name);
    return length > (size_t)room ? name + length - (size_t)room : name;
}

static void add_row(struct text *out, const char *name, int depth, const struct tree_row *row)
{
    const int indent = 2 * depth, room = 56 - indent;
    text_add(out, "%*s%-*s %9" PRId64 " %11.4f %11.4f %10.4f %10.4f %6.2f%%", indent, "", room, fit_in(name, room),
             row->calls, row->total_s, row->self_s, row->mean_s * 1e3, row->p95_s * 1e3, 100 * row->share);
    add_rates(out, row);
}

static int count_children(const struct tree_table *table, int parent)
{
    int count = 0;
    for (int i = parent + 1; i < table->rows && table->row[i].depth > table->row[parent].depth; i++)
        count += table->row[i].parent == parent;
    return count;
}

/* Rows from `first` on; a layer of one kernel is one row, and what is too short to matter is left out. */
static void add_rows(struct text *out, const struct tree_table *table, int first, int last)
{
    for (int i = first; i < last; i++) {
        const struct tree_row *row = &table->row[i];
        if (row->share < least_share && row->parent >= 0) continue;
        char name[192];
        const bool is_layer = i + 1 < last && table->row[i + 1].parent == i && table->row[i + 1].is_kernel;
        const bool joined = is_layer && count_children(table, i) == 1;
        if (joined) i++;
        snprintf(name, sizeof name, "%s%s%s", row->name, joined ? " " : "", joined ? table->row[i].name : "");
        add_row(out, name, row->depth, joined ? &table->row[i] : row);
    }
}

void profile_report_tree(const struct tree_table *table, struct text *out)
{
    const char *const head = "%-56s %9s %11s %11s %10s %10s %7s %9s %7s\n";
    double self_s = 0;
    for (int i = 0; i < table->beside; i++) self_s += table->row[i].self_s;
    text_add(
        out,
        "\nTree of the trainer's thread: hook, phase, layer and kernel; nothing below %g %%; all self times sum to "
        "%.3f s\n\n",
        100 * least_share, self_s);
    text_add(out, head, "", "calls", "total s", "self s", "mean ms", "p95 ms", "share", "GFLOP/s", "GB/s");
    add_rows(out, table, 0, table->beside);
    if (table->beside == table->rows) return;
    text_add(out, "\nOther threads, sums over all of a name\n\n");
    text_add(out, head, "", "calls", "total s", "self s", "mean ms", "p95 ms", "share", "", "");
    add_rows(out, table, table->beside, table->rows);
}

/* ---- the slowest kernels ---- */

static int longer_first(const void *a, const void *b)
{
    const struct tree_row *x = *(const struct tree_row *const *)a, *y = *(const struct tree_row *const *)b;
    return x->total_s < y->total_s ? 1 : x->total_s > y->total_s ? -1 : x < y ? -1 : 1;
}

/* What the ceilings allow, as a share of what it took, and which of them is nearer. */
static void add_roof(struct text *out, const struct tree_row *kernel, const struct profile_facts *facts)
{
    if (facts->flops <= 0 || facts->bandwidth <= 0) return;
    const double arithmetic = kernel->flops / facts->flops, memory = kernel->bytes / facts->bandwidth;
    text_add(out, " %5.0f%% of %s", 100 * (arithmetic > memory ? arithmetic : memory) / kernel->total_s,
             arithmetic > memory ? "arithmetic" : "memory");
}

static void add_kernels(struct text *out, const struct tree_table *table, const struct profile_facts *facts)
{
    int count = 0;
    const struct tree_row **kernel = memory_new((size_t)table->rows + 1, sizeof *kernel);
    for (int i = 0; i < table->beside; i++)
        if (table->row[i].is_kernel && table->row[i].total_s > 0) kernel[count++] = &table->row[i];
    if (count) qsort(kernel, (size_t)count, sizeof *kernel, longer_first);
    text_add(out, "\nSlowest kernels");
    if (facts->flops > 0)
        text_add(out, "; the machine's ceilings: %.0f GFLOP/s, %.1f GB/s", facts->flops * 1e-9,
                 facts->bandwidth * 1e-9);
    text_add(out, "\n\n%-36s %-24s %-10s %10s %7s %9s %7s  %s\n", "layer", "kernel", "phase", "mean ms", "share",
             "GFLOP/s", "GB/s", facts->flops > 0 ? "roof" : "");
    for (int i = 0; i < count && i < SLOWEST_KERNELS; i++) {
        const struct tree_row *row = kernel[i], *layer = &table->row[row->parent];
        text_add(out, "%-36s %-24.24s %-10s %10.4f %6.2f%% %9.1f %7.1f ", fit_in(layer->name, 36), row->name,
                 layer->parent >= 0 ? table->row[layer->parent].name : "", row->mean_s * 1e3, 100 * row->share,
                 row->flops / row->total_s * 1e-9, row->bytes / row->total_s * 1e-9);
        add_roof(out, row, facts);
        text_add(out, "\n");
    }
    free(kernel);
}

/* ---- the whole ---- */

struct advice profile_advise(const struct profile *self, const struct profile_facts *facts, struct text *out)
{
    struct tree_table table;
    struct advice_input input = {.steps = &self->steps,
                                 .workers = facts->workers,
                                 .threads = facts->threads,
                                 .cores = facts->cores,
                                 .knows_others = facts->knows_others,
                                 .others = facts->others,
                                 .batch = facts->batch};
    profile_tree(self, false, &table);
    for (int i = 0; i < table.rows; i++) {
        const struct tree_row *row = &table.row[i];
        const int phase = row->is_kernel && row->parent >= 0 ? table.row[row->parent].parent : -1;
        if (row->id == SPAN_READ) input.read_s += row->total_s;
        if (row->id == SPAN_DECODE) input.decode_s += row->total_s;
        if (phase < 0 || (table.row[phase].id != SPAN_FORWARD && table.row[phase].id != SPAN_BACKWARD)) continue;
        input.kernel_s += row->total_s;
        input.kernel_calls += (double)row->calls;
    }
    tree_table_release(&table);
    return advise(&input, out);
}

void profile_report(const struct profile *self, const struct profile_facts *facts, struct text *out)
{
    struct tree_table table;
    profile_advise(self, facts, out);
    text_add(out, "\n\n");
    profiler_simple_report(out, facts->title, facts->wall_s);
    text_add(out, "\n");
    steps_report(&self->steps, out);
    profile_tree(self, false, &table);
    add_kernels(out, &table, facts);
    profile_report_tree(&table, out);
    tree_table_release(&table);
}
