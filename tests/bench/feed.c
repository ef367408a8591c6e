/* Times what a screen does with logs:
 *     feed make FOLDER STEPS METRICS   writes the run.h5 of a training that never was
 *     feed open FOLDER                 reads it as `lathe view` does: to the first picture's data, to the last point
 *     feed range POINTS                adds points to a series; asks it for the 240 columns of a chart */
#include "tui/feed/feed.h"
#include "data/base/clock.h"
#include "data/base/memory.h"
#include "data/base/path.h"
#include "engine/log/sink.h"
#include "tui/feed/stored.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COLUMNS = 240, QUIET_MS = 200 };

static double since_ms(int64_t begin)
{
    return (double)(clock_ns() - begin) * 1e-6;
}

static struct wire_point point_at(int64_t step, int64_t steps)
{
    return (struct wire_point){step, 1.79e9 + 0.1 * (double)step,
                               exp(-3.0 * (double)step / (double)steps) + 0.01 * (double)((step * 7919) % 101)};
}

/* ---- make ---- */

static void put_metric(void *sink, int metric)
{
    static const char *const known[] = {"train/loss", "val/acc", "grad_norm", "lr"};
    char name[32];
    snprintf(name, sizeof name, "metric_%02d", metric);
    struct metric_info info = {.name = metric < 4 ? known[metric] : name, .unit = "", .description = ""};
    sink_hdf5.record(sink, &(struct log_record){.kind = RECORD_METRIC, .metric = metric, .payload = &info});
}

static enum lt_err make(const char *folder, int64_t steps, int metrics)
{
    const struct log_run run = {.folder = folder,
                                .name = "bench/version_0",
                                .model = "none",
                                .device = "cpu",
                                .precision = "32-true",
                                .config_yaml = "trainer: {max_epochs: 90, gradient_clip_val: 5}\n",
                                .resume_step = -1};
    void *sink = NULL;
    LT_TRY(path_make_folder(folder));
    LT_TRY(sink_hdf5.open(&sink, &run, &(struct log_options){.hdf5 = true, .viewer_fd = -1}));
    for (int i = 0; i < metrics; i++) put_metric(sink, i);
    sink_hdf5.flush(sink);
    for (int64_t step = 1; step <= steps; step++) {
        const struct wire_point point = point_at(step, steps);
        for (int i = 0; i < metrics; i++)
            sink_hdf5.record(
                sink, &(struct log_record){
                          .kind = RECORD_SCALAR, .metric = i, .step = step, .wall = point.wall, .value = point.value});
    }
    sink_hdf5.close(sink, &(struct log_end){.state = RUN_DONE, .sentence = ""});
    return LT_OK;
}

/* ---- open ---- */

static pid_t start(const char *folder, int *fd)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return -1;
    const pid_t pid = fork();
    *fd = pair[0];
    if (pid == 0) {
        struct stored *stored;
        close(pair[0]);
        if (stored_open(&stored, folder) != LT_OK) _exit(1);
        stored_serve(stored, pair[1]);
        _exit(0);
    }
    close(pair[1]);
    return pid;
}

static void take(struct feed *feed, struct text *in)
{
    size_t at = 0, length;
    enum wire_type type;
    const void *payload;
    int64_t used;
    while ((used = wire_next(in->bytes + at, in->length - at, &type, &payload, &length)) > 0) {
        feed_apply(feed, type, payload, length);
        at += (size_t)used;
    }
    memmove(in->bytes, in->bytes + at, in->length - at);
    in->length -= at;
}

static size_t points_of(const struct feed *feed)
{
    size_t sum = 0;
    for (size_t i = 0; i < feed->metrics; i++) sum += feed->metric[i].series.count;
    return sum;
}

static int open_log(const char *folder)
{
    static char block[65536];
    struct feed feed = {0};
    struct text in = {0};
    int fd = -1;
    const int64_t begin = clock_ns(), cpu = clock_thread_cpu_ns();
    const pid_t pid = start(folder, &fd);
    struct pollfd source = {.fd = fd, .events = POLLIN};
    double status = 0, last = 0;
    while (poll(&source, 1, status > 0 ? QUIET_MS : -1) > 0) {
        const ssize_t got = read(fd, block, sizeof block);
        if (got <= 0) return fprintf(stderr, "feed: %s cannot be read\n", folder), 1;
        text_add_bytes(&in, block, (size_t)got);
        take(&feed, &in);
        last = since_ms(begin);
        if (feed.has_status && status == 0) {
            status = last;
            printf("first picture after %.1f ms with %zu points\n", status, points_of(&feed));
        }
    }
    const double mine = (double)(clock_thread_cpu_ns() - cpu) * 1e-6;
    struct rusage usage, reader;
    const size_t points = points_of(&feed);
    getrusage(RUSAGE_SELF, &usage);
    close(fd);
    waitpid(pid, NULL, 0);
    getrusage(RUSAGE_CHILDREN, &reader);
    printf("all %zu points after %.1f ms; the screen's CPU %.1f ms; the screen %ld MB (%.1f bytes a point), the reader "
           "%ld "
           "MB\n",
           points, last, mine, usage.ru_maxrss >> 10, (double)usage.ru_maxrss * 1024 / (double)points,
           reader.ru_maxrss >> 10);
    feed_release(&feed);
    text_release(&in);
    return 0;
}

/* ---- range ---- */

static double cpu_ms(int64_t begin)
{
    return (double)(clock_thread_cpu_ns() - begin) * 1e-6;
}

static void ask(const struct series *series)
{
    enum { ROUNDS = 200 };
    float sum = 0;
    const int64_t begin = clock_thread_cpu_ns();
    for (int round = 0; round < ROUNDS; round++) {
        size_t first = 0;
        for (int i = 0; i < COLUMNS; i++) {
            const size_t last = series_find(series, (int64_t)(series->count * (size_t)(i + 1) / COLUMNS) - round);
            sum += series_range(series, first, last).high;
            first = last;
        }
    }
    printf("%d columns of %zu points: %.1f us (%g)\n", COLUMNS, series->count, cpu_ms(begin) * 1e3 / ROUNDS,
           (double)sum);
}

static int range(int64_t count)
{
    struct wire_point *point = memory_new((size_t)count, sizeof *point);
    for (int64_t i = 0; i < count; i++) point[i] = point_at(i, count);
    struct series one = {0}, many = {0};
    int64_t begin = clock_thread_cpu_ns();
    for (int64_t i = 0; i < count; i++) series_add(&one, point[i]);
    printf("added one by one: %.1f ns a point\n", cpu_ms(begin) * 1e6 / (double)count);
    series_release(&one);
    begin = clock_thread_cpu_ns();
    for (int64_t i = 0; i < count; i += 2048)
        series_add_many(&many, point + i, (size_t)(count - i < 2048 ? count - i : 2048));
    printf("added 2048 at a time: %.1f ns a point\n", cpu_ms(begin) * 1e6 / (double)count);
    ask(&many);
    series_release(&many);
    free(point);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "make") == 0) {
        if (make(argv[2], atoll(argv[3]), atoi(argv[4])) == LT_OK) return 0;
        return fprintf(stderr, "feed: %s\n", lt_message()), 1;
    }
    if (argc == 3 && strcmp(argv[1], "open") == 0) return open_log(argv[2]);
    if (argc == 3 && strcmp(argv[1], "range") == 0) return range(atoll(argv[2]));
    return fprintf(stderr, "usage: feed make FOLDER STEPS METRICS | open FOLDER | range POINTS\n"), 2;
}
