/* Runs a test once per case of the op table; each is a cmocka test of its own, named after the case. Thread: one. */
#pragma once

#include "engine/backends/backend.h"
#include "tests/ops/cases.h"

/* What a test gets as its *state. `backend` is a row of backends.def, NULL where only the reference is asked for. */
struct op_test {
    const struct op_case *op_case;
    const struct backend *backend;
};

/* Which rows. */
enum op_choice { OPS_SMALL, OPS_ALL };

/* Runs test() for every chosen case; with `others` for every backend but the reference, and skips aloud when there is
 * none. Returns how many failed. */
int run_op_tests(const char *group, void (*test)(void **state), enum op_choice choice, bool others);
