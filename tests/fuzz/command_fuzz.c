/* Any bytes from a screen, as a run reads them: commands come out of it whole and sane, or the connection ends;
 * whatever is to be set is set or refused. */
#include "engine/log/viewer.h"
#include "engine/trainer/rate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check(const struct request *request, struct rate *rate)
{
    if (request->command >= COMMANDS || !memchr(request->argument, 0, sizeof request->argument)) abort();
    if (*request->argument && !control_argument_is_sane(request->argument)) abort();
    if ((*control_argument(request->command) != 0) != (*request->argument != 0)) abort();
    if (request->command == COMMAND_SET) (void)!rate_change(rate, request->argument, 0.001);
    if (rate->depth > RATE_DEPTH || !isfinite(rate_factor(rate)) || rate_factor(rate) < 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    int pair[2];
    if (length > 65536 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 0;
    struct mailbox *mailbox = mailbox_new();
    struct text hello = {0};
    struct viewer *viewer = viewer_new(pair[0], 1, &hello);
    struct rate rate = {0};
    struct request request;
    ssize_t sent = send(pair[1], bytes, length, MSG_DONTWAIT);
    for (ssize_t read = 0; read < sent && viewer_read(viewer, mailbox); read += 4096)
        while (mailbox_take(mailbox, &request)) check(&request, &rate);
    viewer_free(viewer);
    mailbox_free(mailbox);
    close(pair[1]);
    return 0;
}
