#include "profiler/profiler.h"

#include "data/base/memory.h"
#include "data/base/span.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct row {
    const char *name;
    int64_t calls;
    double total_s;
};

static int by_total(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->total_s != y->total_s) return x->total_s < y->total_s ? 1 : -1;
    return strcmp(x->name, y->name);
}

static void add_rule(struct text *out, int width)
{
    for (int i = 0; i < width; i++) text_add(out, "-");
    text_add(out, "\n");
}

static void add_row(struct text *out, const struct row *row, double wall_s)
{
    double mean = row->calls ? row->total_s / (double)row->calls : 0,
           share = wall_s > 0 ? 100 * row->total_s / wall_s : 0;
    text_add(out, "|  %-28s|  %-18.5g|  %-10" PRId64 "|  %-15.5g|  %-13.5g|\n", row->name, mean, row->calls,
             row->total_s, share);
}

void profiler_simple_report(struct text *out, const char *title, double wall_s)
{
    enum { WIDTH = 100 };
    int count = 0;
    struct row *row = memory_new((size_t)span_count(), sizeof *row);
    for (int id = 0; id < span_count(); id++) {
        int64_t calls, total_ns;
        if (id == SPAN_READ || id == SPAN_DECODE || id == SPAN_WRITE) continue; /* of other threads */
        span_total(id, &calls, &total_ns);
        if (calls) row[count++] = (struct row){span_name(id), calls, (double)total_ns * 1e-9};
    }
    qsort(row, (size_t)count, sizeof *row, by_total);
    text_add(out, "%s\n\n", title);
    add_rule(out, WIDTH);
    text_add(out, "|  %-28s|  %-18s|  %-10s|  %-15s|  %-13s|\n", "Action", "Mean duration (s)", "Num calls",
             "Total time (s)", "Percentage %");
    add_rule(out, WIDTH);
    add_row(out, &(struct row){"Total", 1, wall_s}, wall_s);
    for (int i = 0; i < count; i++) add_row(out, &row[i], wall_s);
    add_rule(out, WIDTH);
    free(row);
}
