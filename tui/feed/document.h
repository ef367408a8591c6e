/* A document of a run (engine/log/log.h, log_document), read from its folder whenever there is a newer one. Thread: the
 * screen's. Zero-initialised is empty and releasable. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <sys/stat.h>

struct document {
    json_t *json; /* an object, or NULL */
    struct timespec written;
};

/* True when there is a newer one now. What is no JSON object is ignored. */
bool document_poll(struct document *self, const char *folder, const char *name);
void document_release(struct document *self);
