#include "data/base/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The vectors of RFC 4648, section 10. */
static void vectors_go_both_ways(void **state)
{
    (void)state;
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const size_t length = strlen(vectors[i][0]);
        struct text out = {0};
        uint8_t bytes[8] = {0};
        base64_add(&out, vectors[i][0], length);
        assert_string_equal(text_get(&out), vectors[i][1]);
        assert_true(base64_read(bytes, length, vectors[i][1]));
        assert_memory_equal(bytes, vectors[i][0], length);
        text_release(&out);
    }
}

static void what_is_none_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[8];
    assert_false(base64_read(bytes, 3, "Zm9"));
    assert_false(base64_read(bytes, 3, "Zm9vZm9v"));
    assert_false(base64_read(bytes, 3, "Zm=v"));
    assert_false(base64_read(bytes, 3, "Zm9\n"));
    assert_false(base64_read(bytes, 1, "ZgAA"));
    assert_false(base64_read(bytes, 2, "Zm8A"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(vectors_go_both_ways),
                                       cmocka_unit_test(what_is_none_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
