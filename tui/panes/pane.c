#include "tui/panes/pane.h"

static const struct pane *const panes[PANES] = {
#define PANE(name) [PANE_##name] = &pane_##name,
#include "tui/panes/panes.def"
#undef PANE
};

const struct pane *pane_at(int id)
{
    return panes[id];
}
