/* The inside of a profile, shared by the reports. Thread: the profile's. */
#pragma once

#include "profiler/profiler.h"

enum { PROFILE_TRACE_SPANS = 1 << 15, PROFILE_MARKS = 10, PROFILE_BATCH = 1 << 12 };

struct profile {
    struct tree *tree;
    struct steps steps;
    struct tree_mark mark[PROFILE_MARKS]; /* one a second or more, the oldest is where the window begins */
    int64_t marks, marked_ns;
    struct span *recent; /* the newest spans, a ring of PROFILE_TRACE_SPANS */
    int64_t recorded;    /* how many there ever were */
    struct span *batch;  /* room for reading */
};
