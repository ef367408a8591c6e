#include "engine/backends/cpu/isa.h"
#include "engine/optim/adam_piece.h"
#include "engine/optim/segments.h"

static void update(const struct optimizer_call *call, const struct segment *piece)
{
    adam_piece(call, piece, adam_scalars(call, &call->group[piece->group], false));
}

void ISA_NAME(adam_update)(const struct optimizer_call *call);
void ISA_NAME(adam_update)(const struct optimizer_call *call)
{
    segments_run(call, update);
}
