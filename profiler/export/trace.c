/* The newest spans as a Chrome trace: complete events ("X") in microseconds, a metadata event ("M") for the name of
 * each thread. Read by chrome://tracing and ui.perfetto.dev. */
#include "profiler/profile.h"

#include <inttypes.h>
#include <unistd.h>

/* A JSON string; names come from models and threads and may hold anything. */
static void add_string(struct text *out, const char *string)
{
    text_add_bytes(out, "\"", 1);
    for (; *string; string++) {
        const unsigned char c = (unsigned char)*string;
        if (c == '"' || c == '\\')
            text_add(out, "\\%c", c);
        else if (c < 0x20 || c >= 0x7f)
            text_add(out, "\\u%04x", c < 0x20 ? c : '?');
        else
            text_add_bytes(out, string, 1);
    }
    text_add_bytes(out, "\"", 1);
}

static const char *category_of(int id)
{
    return span_kernel(id) ? "kernel" : id < SPAN_PHASES ? "phase" : id < SPAN_KNOWN ? "hook" : "span";
}

static void add_event(struct text *out, const struct span *span, int64_t start_ns, int pid)
{
    const struct span_kernel *kernel = span_kernel(span->id);
    const int64_t duration = span->end_ns - span->begin_ns;
    text_add(out, ",\n{\"ph\":\"X\",\"pid\":%d,\"tid\":%d,\"ts\":%.3f,\"dur\":%.3f,\"cat\":\"%s\",\"name\":", pid,
             span->thread, (double)(span->begin_ns - start_ns) * 1e-3, (double)duration * 1e-3, category_of(span->id));
    add_string(out, span_name(span->id));
    if (kernel) {
        text_add(out, ",\"args\":{\"layer\":");
        add_string(out, span_name(kernel->layer));
        text_add(out, ",\"gflops\":%.1f,\"gbytes\":%.1f}", duration ? kernel->flops / (double)duration : 0,
                 duration ? kernel->bytes / (double)duration : 0);
    }
    text_add(out, "}");
}

static void add_name(struct text *out, const char *what, int pid, int thread, const char *name)
{
    text_add(out, "%s{\"ph\":\"M\",\"pid\":%d,\"tid\":%d,\"name\":\"%s\",\"args\":{\"name\":",
             out->bytes[out->length - 1] == '[' ? "\n" : ",\n", pid, thread, what);
    add_string(out, name);
    text_add(out, "}}");
}

/* Threads may record again after the oldest span that is kept, so each kept span is looked at for the earliest. */
void profile_trace(const struct profile *self, struct text *out)
{
    const int64_t first = self->recorded > PROFILE_TRACE_SPANS ? self->recorded - PROFILE_TRACE_SPANS : 0;
    const int pid = (int)getpid();
    int64_t start_ns = INT64_MAX;
    int threads = 0;
    for (int64_t i = first; i < self->recorded; i++) {
        const struct span *span = &self->recent[i % PROFILE_TRACE_SPANS];
        if (span->begin_ns < start_ns) start_ns = span->begin_ns;
        if (span->thread >= threads) threads = span->thread + 1;
    }
    text_add(out, "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[");
    add_name(out, "process_name", pid, 0, "lathe");
    for (int i = 0; i < threads; i++) add_name(out, "thread_name", pid, i, span_thread_name(i));
    for (int64_t i = first; i < self->recorded; i++)
        add_event(out, &self->recent[i % PROFILE_TRACE_SPANS], start_ns, pid);
    text_add(out, "\n]}\n");
}
