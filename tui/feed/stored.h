/* A stored run as a source of a feed: reads run.h5, be it finished, killed or still growing, and says over a socket
 * what the living run would have said (engine/log/wire.h), so that a screen cannot tell the difference but for
 * HELLO's `stored`. Meant for a process of its own, the only one that calls HDF5: whatever a damaged file does to it,
 * the screen goes on. Thread: one. */
#pragma once

#include "data/base/err.h"

struct stored;

/* `path` is a run's folder or its run.h5. */
enum lt_err stored_open(struct stored **self, const char *path) LT_MUST_CHECK;
void stored_free(struct stored *self);

/* Tells everything, then what is new about twice a second, until the screen at `fd` hangs up. What it asks for is
 * refused: nobody is there to obey. */
void stored_serve(struct stored *self, int fd);
