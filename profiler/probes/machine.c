#include "profiler/probes/machine.h"

#include "data/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SECTOR = 512 };

static double ticks(void)
{
    return (double)sysconf(_SC_CLK_TCK);
}

static void read_cpu(struct machine_sample *sample)
{
    FILE *file = fopen("/proc/stat", "r");
    double user, nice, system, idle, wait, irq, soft, stolen;
    sample->cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (file && fscanf(file, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &user, &nice, &system, &idle, &wait, &irq, &soft,
                       &stolen) == 8) {
        sample->busy_s = (user + nice + system + irq + soft + stolen) / ticks();
        sample->all_s = sample->busy_s + (idle + wait) / ticks();
    }
    if (file) fclose(file);
    file = fopen("/proc/loadavg", "r");
    if (file && fscanf(file, "%lf", &sample->load) != 1) sample->load = 0;
    if (file) fclose(file);
}

static void read_memory(struct machine_sample *sample)
{
    char line[128];
    int64_t total = 0, free_kb = 0;
    FILE *file = fopen("/proc/meminfo", "r");
    while (file && fgets(line, sizeof line, file)) {
        sscanf(line, "MemTotal: %" SCNd64, &total);
        sscanf(line, "MemAvailable: %" SCNd64, &free_kb);
    }
    if (file) fclose(file);
    sample->memory_total = total << 10;
    sample->memory_used = (total - free_kb) << 10;
}

/* Is this a whole disk? Partitions count again what their disk counts. */
static bool is_disk(const char *name)
{
    char path[192];
    snprintf(path, sizeof path, "/sys/block/%.120s/device", name);
    return access(path, F_OK) == 0;
}

static void read_disks(struct machine_sample *sample)
{
    char line[256], name[128];
    int64_t read_sectors, written_sectors;
    FILE *file = fopen("/proc/diskstats", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "%*d %*d %127s %*d %*d %" SCNd64 " %*d %*d %*d %" SCNd64, name, &read_sectors,
                   &written_sectors) == 3 &&
            is_disk(name)) {
            sample->disk_read += read_sectors * SECTOR;
            sample->disk_written += written_sectors * SECTOR;
        }
    if (file) fclose(file);
}

/* Fields behind the name in parentheses, which may hold anything. */
static void read_process_stat(struct machine_sample *sample, int64_t pid)
{
    char path[64], line[1024];
    double user, system;
    int64_t pages;
    snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    FILE *file = fopen(path, "r");
    const char *rest = file && fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    if (rest &&
        sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lf %lf %*d %*d %*d %*d %d %*d %*u %*u %" SCNd64,
               &user, &system, &sample->threads, &pages) == 4) {
        sample->has_process = true;
        sample->process_s = (user + system) / ticks();
        sample->process_memory = pages * sysconf(_SC_PAGESIZE);
    }
    if (file) fclose(file);
}

static void read_process_io(struct machine_sample *sample, int64_t pid)
{
    char path[64], line[128];
    sample->process_read = sample->process_written = -1;
    snprintf(path, sizeof path, "/proc/%" PRId64 "/io", pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        sscanf(line, "read_bytes: %" SCNd64, &sample->process_read);
        sscanf(line, "write_bytes: %" SCNd64, &sample->process_written);
    }
    if (file) fclose(file);
}

void machine_sample(struct machine_sample *sample, int64_t pid)
{
    *sample = (struct machine_sample){.wall = clock_wall(), .process_read = -1, .process_written = -1};
    read_cpu(sample);
    read_memory(sample);
    read_disks(sample);
    if (pid <= 0) return;
    read_process_stat(sample, pid);
    read_process_io(sample, pid);
}
