/* The screen on logs. Thread: the main thread of a process without others. */
#pragma once

#include "tui/preferences.h"

/* Shows what the run of a folder logged, as `lathe view` does; says what is wrong with it. Returns the exit status. */
int show_log(const char *folder, const struct preferences *look);
