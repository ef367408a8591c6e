/* Where the control socket of a run is: a folder of the user's own, a name that follows from the run's folder. Thread:
 * any. */
#pragma once

#include "data/base/err.h"

/* Returns the socket's path (caller frees) for a run folder that exists. The folder of sockets is made, mode 0700; one
 * that belongs to somebody else or that others may enter is refused. */
enum lt_err runtime_socket_path(char **path, const char *run_folder) LT_MUST_CHECK;
