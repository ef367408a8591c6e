/* Families of numbers in a log (families.def): one row at a time, a column of each parameter, phase or part of the
 * machine. Thread: any; constant. */
#pragma once

#include <stddef.h>

enum log_family {
#define FAMILY(id, path, prefix, unit, columns, most, description) id,
#include "engine/log/families.def"
#undef FAMILY
    FAMILIES
};

enum family_columns { COLUMNS_PARAMETERS, COLUMNS_PHASES, COLUMNS_MACHINE };

struct family {
    const char *path, *prefix, *unit;
    enum family_columns columns;
    size_t most;
    const char *description;
};

const struct family *family_at(enum log_family which);

/* The columns of a run's family, and the name of one (lent). */
struct log_run;
size_t family_width(enum log_family which, const struct log_run *run);
const char *family_column(enum log_family which, const struct log_run *run, size_t column);
