/* Times a program on a terminal: screen WIDTH HEIGHT SECONDS KEYS PROGRAM [ARGUMENT…]
 * Runs it in a pseudo-terminal and reads what it draws, at most RATE bytes a second where the environment's
 * SCREEN_BYTES_PER_SECOND says so. Types the characters of KEYS, a second apart, from the third second on. Prints the
 * time to the first byte and to the end of the first picture, its bytes, bytes a second afterwards (frames too: bursts
 * 20 ms apart), when the last byte came, the slowest and the median answer to a key and the program's CPU for one, and
 * the CPU of it and what it started in all. */
#include "data/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KEYS_MAX = 64, QUIET_MS = 60, BURST_MS = 20 };

struct watch {
    int fd;
    clockid_t cpu;                                   /* the program's */
    int64_t cpu_began, cpu_spent;                    /* ns of it when the first key was typed, and since */
    int64_t begin, first, painted, last, typed, end; /* ns; 0: not yet */
    int64_t first_bytes, later_bytes;
    int frames, keys, answers;
    double answer_ms[KEYS_MAX];
    double rate; /* bytes a second that are read; 0: all */
};

static int64_t cpu_ns(const struct watch *self)
{
    struct timespec t = {0};
    clock_gettime(self->cpu, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

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
        if (self->keys == 0) self->cpu_began = cpu_ns(self);
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
    printf(", the last after %.0f ms", (double)(self->last - self->begin) * ms);
    if (self->answers)
        printf("; keys %.1f ms, at most %.1f, %.1f ms of CPU each", self->answer_ms[self->answers / 2],
               self->answer_ms[self->answers - 1], (double)self->cpu_spent * ms / self->answers);
    printf("; CPU %.0f ms (%.2f %% of a core), %.1f MB\n", cpu * 1e3,
           100 * cpu / ((double)(self->end - self->begin) * 1e-9), (double)used->ru_maxrss / 1024);
}

/* Ends the program and what it started, which falls to this process; `used` becomes the sum of what they used. */
static void end_all(pid_t pid, int fd, struct rusage *used)
{
    struct rusage one;
    *used = (struct rusage){0};
    kill(pid, SIGTERM);
    close(fd); /* hangs up on the others */
    for (pid_t gone; (gone = wait4(-1, NULL, 0, &one)) > 0 || errno == EINTR;) {
        if (gone < 0) continue;
        timeradd(&used->ru_utime, &one.ru_utime, &used->ru_utime);
        timeradd(&used->ru_stime, &one.ru_stime, &used->ru_stime);
        if (one.ru_maxrss > used->ru_maxrss) used->ru_maxrss = one.ru_maxrss;
    }
}

int main(int argc, char **argv)
{
    struct watch self = {0};
    struct rusage used;
    if (argc < 6) return fprintf(stderr, "usage: screen WIDTH HEIGHT SECONDS KEYS PROGRAM [ARGUMENT…]\n"), 2;
    struct winsize size = {.ws_col = (unsigned short)atoi(argv[1]), .ws_row = (unsigned short)atoi(argv[2])};
    const char *rate = getenv("SCREEN_BYTES_PER_SECOND");
    self.rate = rate ? atof(rate) : 0;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    const pid_t pid = forkpty(&self.fd, NULL, NULL, &size);
    if (pid < 0) return perror("screen: forkpty"), 1;
    if (pid == 0) {
        setenv("TERM", "xterm-256color", 1);
        execvp(argv[5], argv + 5);
        perror("screen");
        _exit(127);
    }
    clock_getcpuclockid(pid, &self.cpu);
    run(&self, atof(argv[3]), argv[4]);
    self.end = clock_ns();
    self.cpu_spent = cpu_ns(&self) - self.cpu_began;
    if (!self.painted) self.painted = self.last;
    end_all(pid, self.fd, &used);
    report(&self, &used);
    return 0;
}
