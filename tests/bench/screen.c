/* Times a program on a terminal: screen WIDTH HEIGHT SECONDS KEYS PROGRAM [ARGUMENT…]
 * Runs it in a pseudo-terminal and reads what it draws, at most RATE bytes a second where the environment's
 * SCREEN_BYTES_PER_SECOND says so. Types the characters of KEYS, a second apart, from the third second on. Prints the
 * time to the first byte and to the end of the first picture, its bytes, bytes a second afterwards (frames too: bursts
 * 20 ms apart), the slowest and the median answer to a key, and the program's CPU. */
#include "data/base/clock.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEYS_MAX = 64, QUIET_MS = 60, BURST_MS = 20 };

struct watch {
    int fd;
    int64_t begin, first, painted, last, typed, end; /* ns; 0: not yet */
    int64_t first_bytes, later_bytes;
    int frames, keys, answers;
    double answer_ms[KEYS_MAX];
    double rate; /* bytes a second that are read; 0: all */
};

static void take(struct watch *self, ssize_t bytes)
{
    const int64_t now = clock_ns();
    if (!self->first) self->first = now;
    if (!self->painted && now - self->last > (int64_t)QUIET_MS * 1000000 && self->last) self->painted = self->last;
    if (self->typed && self->answers < KEYS_MAX) {
        self->answer_ms[self->answers++] = (double)(now - self->typed) * 1e-6;
        self->typed = 0;
    }
    if (self->painted) {
        self->later_bytes += bytes;
        self->frames += now - self->last > (int64_t)BURST_MS * 1000000;
    } else {
        self->first_bytes += bytes;
    }
    self->last = now;
}

/* False: the program closed its terminal. */
static bool watch_once(struct watch *self)
{
    char block[4096];
    struct pollfd fd = {.fd = self->fd, .events = POLLIN};
    if (poll(&fd, 1, 5) <= 0) return true;
    const ssize_t got = read(self->fd, block, self->rate > 0 ? 256 : sizeof block);
    if (got <= 0) return false;
    take(self, got);
    if (self->rate > 0) usleep((useconds_t)((double)got / self->rate * 1e6));
    return true;
}

static void run(struct watch *self, double seconds, const char *keys)
{
    self->begin = clock_ns();
    for (;;) {
        const double now = (double)(clock_ns() - self->begin) * 1e-9;
        if (now > seconds || !watch_once(self)) return;
        if (now < 2 + self->keys || !keys[self->keys]) continue;
        self->typed = clock_ns();
        if (write(self->fd, &keys[self->keys++], 1) != 1) return;
    }
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void report(struct watch *self, const struct rusage *used)
{
    const double ms = 1e-6, seconds = (double)(self->end - self->painted) * 1e-9;
    const double cpu = (double)used->ru_utime.tv_sec + (double)used->ru_stime.tv_sec +
                       1e-6 * (double)(used->ru_utime.tv_usec + used->ru_stime.tv_usec);
    if (self->answers) qsort(self->answer_ms, (size_t)self->answers, sizeof *self->answer_ms, by_size);
    printf("first byte %.0f ms, first picture %.0f ms and %lld bytes; then %.0f bytes/s in %.1f frames/s",
           (double)(self->first - self->begin) * ms, (double)(self->painted - self->begin) * ms,
           (long long)self->first_bytes, seconds > 0 ? (double)self->later_bytes / seconds : 0,
           seconds > 0 ? self->frames / seconds : 0);
    if (self->answers)
        printf("; keys %.1f ms, at most %.1f", self->answer_ms[self->answers / 2], self->answer_ms[self->answers - 1]);
    printf("; CPU %.0f ms (%.2f %% of a core), %.1f MB\n", cpu * 1e3,
           100 * cpu / ((double)(self->end - self->begin) * 1e-9), (double)used->ru_maxrss / 1024);
}

int main(int argc, char **argv)
{
    struct watch self = {0};
    struct rusage used;
    if (argc < 6) return fprintf(stderr, "usage: screen WIDTH HEIGHT SECONDS KEYS PROGRAM [ARGUMENT…]\n"), 2;
    struct winsize size = {.ws_col = (unsigned short)atoi(argv[1]), .ws_row = (unsigned short)atoi(argv[2])};
    const char *rate = getenv("SCREEN_BYTES_PER_SECOND");
    self.rate = rate ? atof(rate) : 0;
    const pid_t pid = forkpty(&self.fd, NULL, NULL, &size);
    if (pid < 0) return perror("screen: forkpty"), 1;
    if (pid == 0) {
        setenv("TERM", "xterm-256color", 1);
        execvp(argv[5], argv + 5);
        perror("screen");
        _exit(127);
    }
    run(&self, atof(argv[3]), argv[4]);
    self.end = clock_ns();
    if (!self.painted) self.painted = self.last;
    kill(pid, SIGTERM);
    while (wait4(pid, NULL, 0, &used) < 0) continue;
    report(&self, &used);
    return 0;
}
