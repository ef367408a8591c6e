#include "engine/log/listen.h"

#include "data/base/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool set_address(struct sockaddr_un *address, const char *path)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path) return false;
    memcpy(address->sun_path, path, strlen(path) + 1);
    return true;
}

static bool somebody_answers(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool answers = fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN);
    if (fd >= 0) close(fd);
    return answers;
}

static enum lt_err bind_to(int fd, const struct sockaddr_un *address)
{
    const struct sockaddr *where = (const struct sockaddr *)address;
    if (bind(fd, where, sizeof *address) == 0) return LT_OK;
    if (errno != EADDRINUSE) return lt_fail_errno("make the socket", address->sun_path);
    if (somebody_answers(address)) return lt_fail(LT_EIO, "another run already answers at %s", address->sun_path);
    if (unlink(address->sun_path) != 0 || bind(fd, where, sizeof *address) != 0)
        return lt_fail_errno("replace the socket", address->sun_path);
    return LT_OK;
}

enum lt_err listener_open(struct listener *self, const char *path)
{
    struct sockaddr_un address;
    struct stat st;
    *self = (struct listener){.fd = -1};
    if (!set_address(&address, path)) return lt_fail(LT_EIO, "%s is too long for a socket's name", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return lt_fail_errno("make the socket", path);
    enum lt_err err = bind_to(fd, &address);
    /* Nobody can connect before listen: the mode is right from the first moment on. */
    if (err == LT_OK && (chmod(path, 0600) != 0 || stat(path, &st) != 0 || listen(fd, 16) != 0))
        err = lt_fail_errno("listen at", path);
    if (err != LT_OK) {
        close(fd);
        return err;
    }
    *self = (struct listener){.fd = fd, .path = memory_text(path), .inode = st.st_ino};
    return LT_OK;
}

int listener_accept(struct listener *self)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    int fd = self->fd < 0 ? -1 : accept4(self->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return -1;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && (peer.uid == getuid() || peer.uid == 0))
        return fd;
    close(fd);
    return -1;
}

void listener_close(struct listener *self)
{
    struct stat st;
    if (self->fd < 0) return;
    if (stat(self->path, &st) == 0 && st.st_ino == self->inode) unlink(self->path);
    close(self->fd);
    free(self->path);
    *self = (struct listener){.fd = -1};
}
