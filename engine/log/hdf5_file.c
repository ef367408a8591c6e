#include "engine/log/hdf5_file.h"

#include "data/base/memory.h"
#include "data/base/path.h"
#include "engine/log/hdf5_types.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { REPAIR_BYTES = 1 << 20, GROW_BYTES = 16 << 20 };

/* ---- the lock ---- */

/* Whether the locked descriptor is still the file of that name (a run that ends removes it). */
static bool is_current(int fd, const char *path)
{
    struct stat ours, named;
    return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_ino == named.st_ino;
}

enum lt_err run_file_lock(struct run_file *self, const char *folder)
{
    *self = (struct run_file){.id = -1, .lock = -1};
    self->path = path_join(folder, "run.h5");
    self->lock_path = path_join(folder, "run.lock");
    for (;;) {
        int fd = open(self->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0) return lt_fail_errno("make the lock", self->lock_path);
        if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            close(fd);
            return lt_fail(LT_EIO, "another process is writing %s; stop it or choose another run", self->path);
        }
        /* A file system without flock cannot keep others out: the run goes on. */
        if (is_current(fd, self->lock_path)) {
            self->lock = fd;
            return LT_OK;
        }
        close(fd);
    }
}

/* Gives back what was reserved and not used. */
static void trim_reserve(const struct run_file *self)
{
    struct stat st;
    if (stat(self->path, &st) == 0 && truncate(self->path, st.st_size) != 0) return; /* harmless: only space */
}

void run_file_release(struct run_file *self)
{
    run_file_close(self);
    if (self->lock >= 0) {
        trim_reserve(self);
        unlink(self->lock_path);
        close(self->lock);
    }
    free(self->path);
    free(self->lock_path);
    *self = (struct run_file){.id = -1, .lock = -1};
}

/* ---- opening and closing ---- */

/* Closing a file closes everything in it. HDF5's own locks are off: a reader's would keep the writer from reopening. */
static hid_t new_access(void)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    H5Pset_file_locking(access, 0, 1);
    return access;
}

/* After a crash the file is marked as open and its recorded end lies before its real one: both must be put right in one
 * open, because closing truncates to the recorded end. */
static hid_t open_repaired(const char *path)
{
    hbool_t clear = 1;
    hid_t access = new_access();
    H5Pset(access, "clear_status_flags", &clear);
    hid_t id = H5Fopen(path, H5F_ACC_RDWR, access);
    H5Pclose(access);
    if (id >= 0 && H5Fincrement_filesize(id, REPAIR_BYTES) < 0) {
        H5Fclose(id);
        return -1;
    }
    return id;
}

/* A disk that was full may leave a file that ends before its recorded end; a hole there is as good as what was lost. */
static bool grow(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && st.st_size > 0 && truncate(path, st.st_size + GROW_BYTES) == 0;
}

enum lt_err run_file_open(struct run_file *self)
{
    hid_t access = new_access();
    self->id = H5Fopen(self->path, H5F_ACC_RDWR, access);
    H5Pclose(access);
    if (self->id < 0) self->id = open_repaired(self->path);
    if (self->id < 0 && hdf5_says_truncated() && grow(self->path)) self->id = open_repaired(self->path);
    return self->id < 0 ? hdf5_fail("open", self->path) : LT_OK;
}

enum lt_err run_file_share(struct run_file *self)
{
    return H5Fstart_swmr_write(self->id) < 0 ? hdf5_fail("let others read", self->path) : LT_OK;
}

bool run_file_close(struct run_file *self)
{
    bool ok = self->id < 0 || H5Fclose(self->id) >= 0;
    self->id = -1;
    return ok;
}

bool run_file_reserve(const struct run_file *self, long long bytes)
{
    struct stat st;
    int fd = open(self->path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return false;
    bool full = fstat(fd, &st) == 0 && fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, st.st_size + bytes) != 0 &&
                (errno == ENOSPC || errno == EDQUOT);
    close(fd);
    return !full;
}

long long run_file_room(const struct run_file *self)
{
    struct statvfs fs;
    if (statvfs(self->path, &fs) != 0) return -1;
    return (long long)fs.f_bavail * (long long)fs.f_frsize;
}

/* ---- changing the structure ---- */

static enum lt_err copy_by_hand(int from, int to, const char *path)
{
    enum { PIECE = 1 << 20 };
    char *piece = memory_new(PIECE, 1);
    enum lt_err err = LT_OK;
    ssize_t count;
    while (err == LT_OK && (count = read(from, piece, PIECE)) > 0) err = path_write_all(to, piece, (size_t)count, path);
    if (err == LT_OK && count < 0) err = lt_fail_errno("copy", path);
    free(piece);
    return err;
}

static enum lt_err copy_into(int to, const char *from_path, const char *to_path)
{
    int from = open(from_path, O_RDONLY | O_CLOEXEC);
    if (from < 0) return lt_fail_errno("read", from_path);
    ssize_t count;
    while ((count = copy_file_range(from, NULL, to, NULL, 1 << 30, 0)) > 0) {
    }
    enum lt_err err = LT_OK;
    if (count < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
        err = lt_fail_errno("copy", to_path);
    else if (count < 0) /* not supported between these file systems or by this kernel: both offsets are right */
        err = copy_by_hand(from, to, to_path);
    close(from);
    return err;
}

static enum lt_err fill_file(hid_t id, const char *path, run_file_fill fill, void *context)
{
    if (id < 0) return hdf5_fail("write", path);
    bool ok = fill(context, id);
    ok = H5Fclose(id) >= 0 && ok;
    return ok ? LT_OK : hdf5_fail("write", path);
}

enum lt_err run_file_change(struct run_file *self, bool copy, run_file_fill fill, void *context)
{
    int fd;
    char *temporary;
    LT_TRY(path_begin(&fd, &temporary, self->path));
    enum lt_err err = copy ? copy_into(fd, self->path, temporary) : LT_OK;
    if (err == LT_OK) {
        hid_t access = new_access();
        hid_t id = copy ? H5Fopen(temporary, H5F_ACC_RDWR, access)
                        : H5Fcreate(temporary, H5F_ACC_TRUNC, H5P_DEFAULT, access);
        H5Pclose(access);
        err = fill_file(id, temporary, fill, context);
    }
    if (err == LT_OK) return path_commit(fd, temporary, self->path);
    path_abort(fd, temporary);
    return err;
}
