/* Who is at the other end of a Unix socket, in words for a run's journal. Linux. Thread: any. */
#pragma once

enum { PEER_MAX = 72 };

/* "ann, pid 4711, pts/3": user, process, terminal, as far as the system tells. */
void peer_name(char name[PEER_MAX], int fd);
