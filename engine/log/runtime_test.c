#include "data/base/path.h"
#include "engine/log/runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void names_follow_from_the_folder(void **state)
{
    (void)state;
    char base[] = "/tmp/runtime_test_XXXXXX", *a, *b, *c;
    assert_non_null(mkdtemp(base));
    setenv("XDG_RUNTIME_DIR", base, 1);
    assert_int_equal(runtime_socket_path(&a, "/tmp"), LT_OK);
    assert_int_equal(runtime_socket_path(&b, "/tmp/../tmp/"), LT_OK);
    assert_int_equal(runtime_socket_path(&c, "/"), LT_OK);
    assert_string_equal(a, b);
    free(b);
    assert_string_not_equal(a, c);
    assert_int_not_equal(runtime_socket_path(&b, "/no/such/run"), LT_OK);
    char *folder = path_join(base, "lathe");
    chmod(folder, 0755);
    assert_int_not_equal(runtime_socket_path(&b, "/tmp"), LT_OK);
    assert_non_null(strstr(lt_message(), "is not a folder of yours alone"));
    rmdir(folder);
    rmdir(base);
    free(folder), free(a), free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_follow_from_the_folder)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
