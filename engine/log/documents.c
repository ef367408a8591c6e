/* Documents of a run: documents/NAME.json in its folder, each replaced whole when there is a newer one. Screens read
 * them there, of living runs and of old ones. */
#include "data/base/memory.h"
#include "data/base/path.h"
#include "data/base/text.h"
#include "engine/log/sink.h"

#include <stdlib.h>
#include <string.h>

struct documents {
    char *folder;
    char trouble[512];
    bool troubled, told;
};

static bool wanted(const struct log_options *options)
{
    return options->hdf5; /* a run that keeps a log keeps these */
}

static enum lt_err open_documents(void **self, const struct log_run *run, const struct log_options *options)
{
    struct documents *documents = memory_new(1, sizeof *documents);
    (void)options;
    documents->folder = path_join(run->folder, "documents");
    *self = documents;
    return path_make_folder(documents->folder);
}

/* The payload is NAME, a NUL, and the text. */
static void record(void *context, const struct log_record *record)
{
    struct documents *self = context;
    if (record->kind != RECORD_DOCUMENT) return;
    const char *name = record->payload, *json = name + strlen(name) + 1;
    struct text path = {0};
    text_add(&path, "%s/%s.json", self->folder, name);
    if (path_write_atomic(text_get(&path), json, strlen(json)) != LT_OK && !self->told) {
        snprintf(self->trouble, sizeof self->trouble, "no documents for the screen: %s", lt_message());
        self->troubled = self->told = true;
    }
    text_release(&path);
}

static void tick(void *self, const struct run_status *status)
{
    (void)self, (void)status;
}

static const char *trouble(void *context)
{
    struct documents *self = context;
    if (!self->troubled) return NULL;
    self->troubled = false;
    return self->trouble;
}

static void close_documents(void *context, const struct log_end *end)
{
    struct documents *self = context;
    (void)end;
    free(self->folder);
    free(self);
}

const struct sink sink_documents = {.name = "documents",
                                    .wanted = wanted,
                                    .open = open_documents,
                                    .record = record,
                                    .tick = tick,
                                    .trouble = trouble,
                                    .close = close_documents};
