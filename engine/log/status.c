#include "engine/log/status.h"

#include "engine/log/log.h"

const char *run_state_name(enum run_state state)
{
    static const char *const name[RUN_STATES] = {"starting", "running", "paused",  "done",
                                                 "failed",   "nan",     "stopped", "killed"};
    return name[state];
}

bool run_state_is_over(enum run_state state)
{
    return state != RUN_STARTING && state != RUN_RUNNING && state != RUN_PAUSED;
}

const char *run_stage_name(enum run_stage stage)
{
    static const char *const name[STAGES] = {"setup", "sanity check", "train", "validation", "test", "predict", "save"};
    return name[stage];
}

const char *event_name(enum event_kind kind)
{
    static const char *const name[EVENT_KINDS] = {
#define EVENT(id, text) [id] = text,
#include "engine/log/events.def"
#undef EVENT
    };
    return name[kind];
}
