/* Who is at the other end: of a socket pair it is this process. */
#include "engine/log/peer.h"

#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void the_other_end_is_named(void **state)
{
    (void)state;
    int pair[2];
    char name[PEER_MAX], expected[PEER_MAX];
    const struct passwd *user = getpwuid(getuid());
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    peer_name(name, pair[0]);
    snprintf(expected, sizeof expected, "%.31s, pid %ld, ", user ? user->pw_name : "uid", (long)getpid());
    assert_memory_equal(name, expected, user ? strlen(expected) : 3);
    const char *terminal = strrchr(name, ' ') + 1;
    assert_true(strcmp(terminal, "terminal") == 0 || strncmp(terminal, "pts/", 4) == 0 ||
                strncmp(terminal, "tty", 3) == 0);
    close(pair[0]);
    close(pair[1]);
}

static void what_is_no_socket_is_unknown(void **state)
{
    (void)state;
    char name[PEER_MAX];
    peer_name(name, -1);
    assert_string_equal(name, "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_other_end_is_named),
                                       cmocka_unit_test(what_is_no_socket_is_unknown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
