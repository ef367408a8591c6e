#include "tui/commands/find_runs.h"

#include "data/base/memory.h"
#include "data/base/path.h"
#include "engine/log/runtime.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int found_run_connect(const char *folder)
{
    char *path;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (runtime_socket_path(&path, folder) != LT_OK) return -1;
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    free(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

static double modified(const char *folder, const char *name)
{
    struct stat st;
    char *path = path_join(folder, name);
    double time = stat(path, &st) == 0 ? (double)st.st_mtim.tv_sec + 1e-9 * (double)st.st_mtim.tv_nsec : 0;
    free(path);
    return time;
}

static void add_run(struct found_runs *self, const char *folder)
{
    double config = modified(folder, "config.yaml"), log = modified(folder, "run.h5");
    if (config == 0 && log == 0) return;
    int fd = found_run_connect(folder);
    if (fd >= 0) close(fd);
    self->run = memory_grow(self->run, self->count, &self->capacity, sizeof *self->run);
    self->run[self->count++] = (struct found_run){memory_text(folder), config > log ? config : log, fd >= 0};
}

/* Calls visit for every folder inside `parent`. */
static enum lt_err each_folder(struct found_runs *self, const char *parent,
                               enum lt_err (*visit)(struct found_runs *, const char *))
{
    enum lt_err err = LT_OK;
    DIR *open = opendir(parent);
    if (!open) return lt_fail_errno("open the folder", parent);
    for (struct dirent *entry; err == LT_OK && (entry = readdir(open));) {
        if (entry->d_name[0] == '.') continue;
        char *path = path_join(parent, entry->d_name);
        if (path_is_folder(path)) err = visit(self, path);
        free(path);
    }
    closedir(open);
    return err;
}

static enum lt_err visit_version(struct found_runs *self, const char *folder)
{
    add_run(self, folder);
    return LT_OK;
}

static enum lt_err visit_name(struct found_runs *self, const char *folder)
{
    return each_folder(self, folder, visit_version);
}

static int newest_first(const void *a, const void *b)
{
    const struct found_run *x = a, *y = b;
    if (x->modified != y->modified) return x->modified < y->modified ? 1 : -1;
    return strcmp(x->folder, y->folder);
}

static void sort(struct found_runs *self)
{
    if (self->count) qsort(self->run, self->count, sizeof *self->run, newest_first);
}

enum lt_err found_runs_list(struct found_runs *self, const char *root)
{
    *self = (struct found_runs){0};
    if (!path_is_folder(root)) return LT_OK;
    enum lt_err err = each_folder(self, root, visit_name);
    sort(self);
    if (err != LT_OK) found_runs_release(self);
    return err;
}

void found_runs_release(struct found_runs *self)
{
    for (size_t i = 0; i < self->count; i++) free(self->run[i].folder);
    free(self->run);
    *self = (struct found_runs){0};
}

/* The newest live one, else (any: a run of that name is wanted) the newest. */
static char *pick(const struct found_runs *runs, bool any)
{
    for (size_t i = 0; i < runs->count; i++)
        if (runs->run[i].live) return memory_text(runs->run[i].folder);
    return any && runs->count ? memory_text(runs->run[0].folder) : NULL;
}

/* `folder` itself when it is a run's, else a version in it. */
static char *version_of(const char *folder)
{
    struct found_runs runs = {0};
    add_run(&runs, folder);
    if (runs.count == 0 && each_folder(&runs, folder, visit_version) == LT_OK) sort(&runs);
    char *picked = pick(&runs, true);
    found_runs_release(&runs);
    return picked ? picked : memory_text(folder);
}

enum lt_err found_run_folder(char **folder, const char *name, const char *root)
{
    struct found_runs runs;
    *folder = NULL;
    if (name) {
        char *below = path_join(root, name);
        const char *found = path_is_folder(name) ? name : path_is_folder(below) ? below : NULL;
        if (found) *folder = version_of(found);
        free(below);
        return found ? LT_OK : lt_fail(LT_ENOTFOUND, "there is no run '%s'; lathe runs lists them", name);
    }
    LT_TRY(found_runs_list(&runs, root));
    *folder = pick(&runs, false);
    found_runs_release(&runs);
    return *folder
               ? LT_OK
               : lt_fail(LT_ENOTFOUND, "no run below %s is going on; lathe runs lists all, lathe fit starts one", root);
}
