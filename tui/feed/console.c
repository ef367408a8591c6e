#include "tui/feed/console.h"

#include "data/base/memory.h"
#include "data/base/path.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 1 << 16, TAIL = 1 << 20, LINES_MAX = 50000, LINE_MAX_BYTES = 4096 };

void console_release(struct console *self)
{
    for (size_t i = 0; i < self->count; i++) free(self->line[i]);
    free(self->line);
    text_release(&self->rest);
    *self = (struct console){0};
}

/* Keeps a line; the older half goes when there are too many. */
static void add_line(struct console *self)
{
    if (self->count == LINES_MAX) {
        const size_t half = LINES_MAX / 2;
        for (size_t i = 0; i < half; i++) free(self->line[i]);
        memmove(self->line, self->line + half, (self->count - half) * sizeof *self->line);
        self->count -= half;
    }
    self->line = memory_grow(self->line, self->count, &self->capacity, sizeof *self->line);
    self->line[self->count++] = memory_text(text_get(&self->rest));
    text_clear(&self->rest);
}

static void take(struct console *self, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\n')
            add_line(self);
        else if (bytes[i] == '\r')
            text_clear(&self->rest); /* a progress line that writes over itself */
        else if (bytes[i] && self->rest.length < LINE_MAX_BYTES)
            text_add_bytes(&self->rest, &bytes[i], 1);
    }
}

bool console_poll(struct console *self, const char *folder)
{
    char *path = path_join(folder, "console.log"), block[BLOCK];
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    bool any = false;
    free(path);
    if (fd < 0) return false;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
        if (self->read == 0 && info.st_size > TAIL) self->read = info.st_size - TAIL;
        for (ssize_t got; self->read < info.st_size && (got = pread(fd, block, sizeof block, self->read)) > 0;) {
            take(self, block, (size_t)got);
            self->read += got;
            any = true;
        }
    }
    close(fd);
    return any;
}
