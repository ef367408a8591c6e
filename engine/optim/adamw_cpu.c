#include "engine/backends/cpu/isa.h"
#include "engine/optim/adam_piece.h"
#include "engine/optim/segments.h"

static void update(const struct optimizer_call *call, const struct segment *piece)
{
    adam_piece(call, piece, adam_scalars(call, &call->group[piece->group], true));
}

void ISA_NAME(adamw_update)(const struct optimizer_call *call);
void ISA_NAME(adamw_update)(const struct optimizer_call *call)
{
    segments_run(call, update);
}
