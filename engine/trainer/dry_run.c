/* A dry run (trainer.fast_dev_run) tries what else would be found broken only after hours: that a checkpoint and the
 * log can be written, read and removed. Nothing of it stays. */
#include "data/base/path.h"
#include "data/base/text.h"
#include "engine/log/read.h"
#include "engine/trainer/run.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool is_dry(const struct run *run)
{
    return run->config->trainer.fast_dev_run > 0;
}

enum lt_err try_checkpoint(struct run *run)
{
    char *path = path_join(run->checkpoint_folder, "dry-run.ckpt");
    enum lt_err err = LT_OK;
    if (!save_checkpoint(run, path))
        err = lt_fail(LT_EIO, "the dry run could not write a checkpoint: %s", lt_message());
    else
        err = checkpoint_load(run->plan, path, true);
    unlink(path);
    free(path);
    return err;
}

static enum lt_err try_log(const struct run *run)
{
    struct run_reader *log;
    if (run->config->trainer.logger.count == 0) return LT_OK;
    LT_TRY(run_reader_open(&log, run->folder));
    int64_t step = run_reader_facts(log)->last_step;
    run_reader_close(log);
    if (step == run->at.step) return LT_OK;
    return lt_fail(LT_EIO, "the log of the dry run, %s/run.h5, ends at step %" PRId64 " instead of %" PRId64,
                   run->folder, step, run->at.step);
}

/* Removes a folder that a run made, with the files in it. */
static bool remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir) closedir(dir);
    return rmdir(folder) == 0;
}

enum lt_err end_dry_run(const struct run *run)
{
    LT_TRY(try_log(run));
    char *documents = path_join(run->folder, "documents");
    remove_folder(documents);
    free(documents);
    remove_folder(run->checkpoint_folder);
    if (remove_folder(run->folder)) return LT_OK;
    return lt_fail_errno("remove the folder of the dry run,", run->folder);
}
