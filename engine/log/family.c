#include "engine/log/family.h"

#include "data/base/span.h"
#include "engine/log/log.h"

static const struct family families[FAMILIES] = {
#define FAMILY(id, path, prefix, unit, columns, most, description)                                                     \
    [id] = {path, prefix, unit, columns, most, description},
#include "engine/log/families.def"
#undef FAMILY
};

const struct family *family_at(enum log_family which)
{
    return &families[which];
}

size_t family_width(enum log_family which, const struct log_run *run)
{
    switch (families[which].columns) {
    case COLUMNS_PARAMETERS: return (size_t)run->parameters;
    case COLUMNS_PHASES: return SPAN_PHASES;
    case COLUMNS_MACHINE: return run->machine_values;
    }
    return 0;
}

const char *family_column(enum log_family which, const struct log_run *run, size_t column)
{
    switch (families[which].columns) {
    case COLUMNS_PARAMETERS: return run->parameter_name[column];
    case COLUMNS_PHASES: return span_name((int)column);
    case COLUMNS_MACHINE: return run->machine_name[column];
    }
    return "";
}
