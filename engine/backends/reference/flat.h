/* The reference's functions over flat memory. Thread: any. */
#pragma once

#include "engine/backends/flat.h"

extern const struct flat_functions flat_reference;
