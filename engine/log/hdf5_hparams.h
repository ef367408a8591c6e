/* The run's configuration inside run.h5: one attribute of /hparams per value (dotted names, natural types) and the
 * whole tree as JSON in /hparams_json. Thread: one. */
#pragma once

#include <hdf5.h>
#include <stdbool.h>

/* Writes both from the resolved configuration's YAML. False when HDF5 refused. */
bool hdf5_write_hparams(hid_t file, const char *yaml);
