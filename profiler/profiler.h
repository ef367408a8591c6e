/* WHERE TIME AND MEMORY GO. Front door of the room: it only reads the spans that every room records (data/base/span.h)
 * and says what they mean. Invariant: reading costs the trainer nothing. Thread: any, one reader at a time. */
#pragma once

#include "data/base/text.h"

/* Appends a table as Lightning's SimpleProfiler gives it: Action, Mean duration (s), Num calls, Total time (s),
 * Percentage %, by falling share; first the total, which is `wall_s`. */
void profiler_simple_report(struct text *out, const char *title, double wall_s);
