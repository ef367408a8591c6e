/* A screen without a screen: the run told in sentences on standard output, commands typed as words on standard input.
 * For screen readers, and for terminals that can do nothing. Thread: the main thread of a screen process. */
#pragma once

#include "tui/screen.h"

/* As screen_run. Ctrl-C asks, a second one within two seconds saves and stops; `detach` and Ctrl-D leave. */
enum lt_err plain_run(const struct screen_options *options, struct screen_end *end) LT_MUST_CHECK;
