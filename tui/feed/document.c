#include "tui/feed/document.h"

#include "data/base/path.h"
#include "data/base/text.h"

#include <stdlib.h>

enum { DOCUMENT_MAX = 64 << 20 };

void document_release(struct document *self)
{
    json_decref(self->json);
    *self = (struct document){0};
}

bool document_poll(struct document *self, const char *folder, const char *name)
{
    struct text path = {0};
    struct stat info;
    char *bytes = NULL;
    size_t length = 0;
    bool newer = false;
    text_add(&path, "%s/documents/%s.json", folder, name);
    if (stat(text_get(&path), &info) == 0 &&
        (info.st_mtim.tv_sec != self->written.tv_sec || info.st_mtim.tv_nsec != self->written.tv_nsec)) {
        self->written = info.st_mtim;
        json_t *json = path_read(&bytes, &length, text_get(&path), DOCUMENT_MAX) == LT_OK
                           ? json_loadb(bytes, length, 0, NULL)
                           : NULL;
        newer = json_is_object(json);
        if (newer) {
            json_decref(self->json);
            self->json = json;
        } else {
            json_decref(json);
        }
        free(bytes);
    }
    text_release(&path);
    return newer;
}
