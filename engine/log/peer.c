#include "engine/log/peer.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>

enum { TTY_MAJOR = 4, PTS_MAJOR = 136, PTS_MAJORS = 8 };

/* The number of a process's controlling terminal, 0 when it has none: field 7 of stat; the second, the program's name
 * in brackets, may hold anything. */
static dev_t terminal_of(pid_t pid)
{
    char path[32], line[512] = "";
    int device = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "re");
    if (!file) return 0;
    const char *rest = fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    fclose(file);
    if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %d", &device) != 1) return 0;
    return (dev_t)device;
}

static void user_name(char name[32], uid_t uid)
{
    char room[1024];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(uid, &entry, room, sizeof room, &found) == 0 && found)
        snprintf(name, 32, "%s", found->pw_name);
    else
        snprintf(name, 32, "uid %ld", (long)uid);
}

void peer_name(char name[PEER_MAX], int fd)
{
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t length = sizeof peer;
    char user[32];
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
        snprintf(name, PEER_MAX, "unknown");
        return;
    }
    user_name(user, peer.uid);
    const dev_t terminal = terminal_of(peer.pid);
    const unsigned kind = major(terminal), number = minor(terminal);
    if (kind >= PTS_MAJOR && kind < PTS_MAJOR + PTS_MAJORS)
        snprintf(name, PEER_MAX, "%s, pid %ld, pts/%u", user, (long)peer.pid, (kind - PTS_MAJOR) * 256 + number);
    else if (kind == TTY_MAJOR)
        snprintf(name, PEER_MAX, "%s, pid %ld, tty%u", user, (long)peer.pid, number);
    else
        snprintf(name, PEER_MAX, "%s, pid %ld, no terminal", user, (long)peer.pid);
}
