/* Pictures on terminals that the test plays at the other end of a pty: one that has the graphics protocol, one that
 * only says what it is, one that says nothing. */
#include "data/base/base64.h"
#include "data/base/clock.h"
#include "data/base/memory.h"
#include "data/codecs/codec.h"
#include "tui/draw/thumbnail.h"
#include "tui/term/term.h"

#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SIDE = 96 };
static uint8_t noise[SIDE * SIDE * 3];

/* ---- the screen, in a process of its own ---- */

static void draw(struct canvas *canvas, int x)
{
    term_prepare(canvas);
    canvas_clear(canvas);
    if (x >= 0)
        thumbnail_draw_pixels(canvas, (struct rect){x, 2, 12, 6},
                              &(struct thumbnail_pixels){"noise", noise, SIDE, SIDE});
    term_draw(canvas, false);
}

/* Keys: 'n' no picture, 'm' the picture elsewhere, 'q' the end. What came as keys goes into a pipe. */
static void show(int keys)
{
    const struct theme_color plain = {0};
    struct theme theme = {.slot = {plain}};
    struct canvas canvas = {0};
    int x = 3;
    if (theme_load_built_in(&theme, "dark") != LT_OK) _exit(2);
    if (term_open(&(struct term_options){0}, &theme) != LT_OK) _exit(3);
    canvas_resize(&canvas, 80, 24);
    draw(&canvas, x);
    for (int key = 0; key != 'q';) {
        poll(&(struct pollfd){.fd = term_fd(), .events = POLLIN}, 1, term_send_pictures() ? 1 : 20);
        if ((key = term_key()) == TERM_NONE) continue;
        if (key < 128 && write(keys, &(char){(char)key}, 1) != 1) _exit(4);
        x = key == 'n' ? -1 : key == 'm' ? 20 : x;
        draw(&canvas, x);
    }
    term_close();
    _exit(0);
}

/* ---- the terminal ---- */

struct terminal {
    pid_t pid;
    int fd, keys;
    struct text out; /* all that came */
};

static void start(struct terminal *self, const char *variable)
{
    int ends[2];
    const struct winsize size = {.ws_row = 24, .ws_col = 80};
    assert_int_equal(pipe(ends), 0);
    *self = (struct terminal){0};
    self->pid = forkpty(&self->fd, NULL, NULL, &size);
    assert_true(self->pid >= 0);
    if (self->pid == 0) {
        setenv("TERM", "xterm-256color", 1), setenv("LC_ALL", "C.UTF-8", 1), unsetenv("TMUX"), unsetenv("NO_COLOR"),
            unsetenv("COLORTERM");
        if (variable) putenv(memory_text(variable));
        show(ends[1]);
    }
    close(ends[1]);
    self->keys = ends[0];
}

/* Reads what comes until there is `wanted` behind `from`, or nothing any more. */
static const char *read_until(struct terminal *self, size_t from, const char *wanted)
{
    const int64_t end = clock_ns() + 10 * (int64_t)1000000000;
    char bytes[4096];
    while (clock_ns() < end) {
        const char *found = self->out.length > from ? strstr(self->out.bytes + from, wanted) : NULL;
        if (found) return found;
        if (poll(&(struct pollfd){.fd = self->fd, .events = POLLIN}, 1, 100) <= 0) continue;
        const ssize_t got = read(self->fd, bytes, sizeof bytes);
        if (got <= 0) break;
        text_add_bytes(&self->out, bytes, (size_t)got);
    }
    fail_msg("never came: %s", wanted);
    return NULL;
}

static void type(const struct terminal *self, const char *bytes)
{
    assert_int_equal(write(self->fd, bytes, strlen(bytes)), strlen(bytes));
}

static void finish(struct terminal *self, const char *keys)
{
    char got[64] = {0}, bytes[4096];
    ssize_t length;
    int status;
    type(self, "q");
    while ((length = read(self->fd, bytes, sizeof bytes)) > 0) text_add_bytes(&self->out, bytes, (size_t)length);
    assert_int_equal(waitpid(self->pid, &status, 0), self->pid);
    assert_int_equal(status, 0);
    assert_true(read(self->keys, got, sizeof got - 1) >= 0);
    assert_string_equal(got, keys);
    close(self->fd), close(self->keys);
}

static int count(const struct terminal *self, const char *what)
{
    int found = 0;
    for (const char *at = text_get(&self->out); (at = strstr(at, what)); at++) found++;
    return found;
}

static const char greeting[] = "\033[>q\033[c", its_name[] = "\033P>|terminal 1.2\033\\\033[?62;4c";
static const char query[] = "\033_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\033\\\033[c", half_block[] = "\342\226\200";

/* The pieces of the picture that was sent: none above 4096 characters, all but the last announce another. */
static void collect_pieces(const char *at, struct text *base64)
{
    bool more = true;
    for (bool first = true; more; first = false) {
        int is_more = -1, used = 0;
        unsigned id = 0;
        if (first)
            assert_int_equal(sscanf(at, "\033_Ga=t,f=100,i=%u,q=2,m=%d;%n", &id, &is_more, &used), 2);
        else
            assert_int_equal(sscanf(at, "\033_Gm=%d;%n", &is_more, &used), 1);
        const char *end = strstr(at, "\033\\"), *payload = at + used;
        assert_true(end && end - payload <= 4096 && end > payload);
        text_add_bytes(base64, payload, (size_t)(end - payload));
        more = is_more == 1;
        at = more ? strstr(end, "\033_Gm=") : NULL;
        assert_true(!more || at);
    }
}

static void assert_is_noise(const struct text *base64)
{
    struct picture picture = {0};
    const char *text = base64->bytes;
    const size_t padding = (size_t)(text[base64->length - 1] == '=') + (size_t)(text[base64->length - 2] == '='),
                 length = base64->length / 4 * 3 - padding;
    uint8_t *png = memory_new(length, 1);
    assert_true(base64_read(png, length, text));
    assert_int_equal(picture_decode(&picture, png, length, 1 << 20), LT_OK);
    assert_true(picture.width == SIDE && picture.height == SIDE);
    assert_memory_equal(picture.rgb, noise, sizeof noise);
    picture_release(&picture);
    free(png);
}

/* ---- tests ---- */

static void a_terminal_that_has_it_gets_pixels(void **state)
{
    (void)state;
    struct terminal terminal;
    struct text base64 = {0};
    start(&terminal, NULL);
    read_until(&terminal, 0, half_block); /* the first frame waits for nothing */
    read_until(&terminal, 0, greeting);
    type(&terminal, its_name);
    read_until(&terminal, 0, query);
    type(&terminal, "x\033_Gi=3");
    poll(NULL, 0, 30);
    type(&terminal, "1;OK\033\\\033[?62;");
    poll(NULL, 0, 30);
    type(&terminal, "4cy");
    read_until(&terminal, 0, ",p=1,c=12,r=6,C=1,q=2\033\\");
    assert_non_null(strstr(terminal.out.bytes, "\0337\033[3;4H\033_Ga=p,i="));
    collect_pieces(strstr(terminal.out.bytes, "\033_Ga=t"), &base64);
    assert_true(base64.length > 4096);
    assert_is_noise(&base64);
    assert_int_equal(count(&terminal, "\033_Ga=d"), 0);
    size_t from = terminal.out.length;
    type(&terminal, "n");
    read_until(&terminal, from, "\033_Ga=d,d=i,i=");
    type(&terminal, "m");
    read_until(&terminal, from, "\0337\033[3;21H\033_Ga=p,i=");
    finish(&terminal, "xynmq");
    read_until(&terminal, from, "\033_Ga=d,d=I,i=");
    assert_int_equal(count(&terminal, "\033_Ga=t"), 1); /* sent once */
    assert_int_equal(count(&terminal, query), 1);
    text_release(&base64), text_release(&terminal.out);
}

static void others_get_half_blocks(void **state)
{
    (void)state;
    static const struct {
        const char *to_greeting, *to_query; /* NULL: it is not to be asked */
    } answers[] = {{"\033[?62;4c", NULL},
                   {"", NULL},
                   {its_name, "\033[?62;4c"},
                   {its_name, ""},
                   {its_name, "\033_Gi=31;ENOTSUPPORTED\033\\\033[?1;2c"}};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct terminal terminal;
        start(&terminal, NULL);
        read_until(&terminal, 0, greeting);
        type(&terminal, answers[i].to_greeting);
        if (answers[i].to_query) {
            read_until(&terminal, 0, query);
            type(&terminal, answers[i].to_query);
        }
        type(&terminal, "m");
        poll(NULL, 0, 200);
        finish(&terminal, "mq");
        assert_int_equal(count(&terminal, "\033_G"), answers[i].to_query != NULL);
        assert_true(count(&terminal, half_block) > 100);
        text_release(&terminal.out);
    }
}

static void between_two_terminals_none_is_asked(void **state)
{
    (void)state;
    static const char *const variables[] = {"TMUX=/tmp/tmux,1,0", "TERM=screen-256color", "NO_COLOR=1"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        struct terminal terminal;
        start(&terminal, variables[i]);
        poll(NULL, 0, 300);
        finish(&terminal, "q");
        assert_true(terminal.out.length > 100);
        assert_int_equal(count(&terminal, "\033_G") + count(&terminal, greeting), 0);
        text_release(&terminal.out);
    }
}

static int make_noise(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_terminal_that_has_it_gets_pixels),
                                       cmocka_unit_test(others_get_half_blocks),
                                       cmocka_unit_test(between_two_terminals_none_is_asked)};
    return cmocka_run_group_tests(tests, make_noise, NULL);
}
