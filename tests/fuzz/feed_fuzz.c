/* Any bytes from a socket: frames go into a feed as they would in a screen, and into what a run reads from a viewer. */
#include "engine/log/wire.h"
#include "tui/feed/feed.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct feed feed = {0};
    size_t at = 0;
    for (;;) {
        enum wire_type type;
        const void *payload;
        size_t size;
        int64_t frame = wire_next(bytes + at, length - at, &type, &payload, &size);
        if (frame <= 0) break;
        if ((size_t)frame > length - at || size > (size_t)frame) abort();
        json_t *json = wire_get_json(payload, size);
        json_decref(json);
        if (!feed_apply(&feed, type, payload, size)) break;
        at += (size_t)frame;
    }
    const struct series *loss = feed_series(&feed, "train/loss");
    if (loss && feed.metrics == 0) abort();
    feed_release(&feed);
    return 0;
}
