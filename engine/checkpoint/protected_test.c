#include "engine/checkpoint/protected.h"

#include "data/base/path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void touch(const char *name)
{
    assert_int_equal(path_write_atomic(name, "x", 1), LT_OK);
}

static void names_are_kept_in_a_list(void **state)
{
    (void)state;
    mkdir("sub", 0777);
    touch("a.ckpt"), touch("val_f1=0.9 {x}.ckpt"), touch("sub/a.ckpt"), touch("last.ckpt"), touch("notes.txt");
    assert_false(protected_has("a.ckpt"));
    assert_int_equal(protected_add("a.ckpt"), LT_OK);
    assert_int_equal(protected_add("./val_f1=0.9 {x}.ckpt"), LT_OK);
    assert_int_equal(protected_add("a.ckpt"), LT_OK); /* as it is */
    assert_true(protected_has("./a.ckpt") && protected_has("val_f1=0.9 {x}.ckpt"));
    assert_false(protected_has("sub/a.ckpt") || protected_has("a.ckp") || protected_has(""));
    assert_int_equal(protected_remove("sub/a.ckpt"), LT_EUSAGE);
    assert_int_equal(protected_remove("a.ckpt"), LT_OK);
    assert_int_equal(protected_remove("a.ckpt"), LT_EUSAGE);
    assert_false(protected_has("a.ckpt"));
    assert_true(protected_has("val_f1=0.9 {x}.ckpt"));
}

static void what_cannot_be_protected(void **state)
{
    (void)state;
    static const char *const paths[] = {"last.ckpt", "gone.ckpt", "notes.txt", "", ".", "sub", "sub/", "no/a.ckpt"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (protected_add(paths[i]) != LT_EUSAGE) fail_msg("%s is protected", paths[i]);
}

/* A list written by hand, its last line unfinished; and one that cannot be read: then nothing may be removed. */
static void hand_written_lists(void **state)
{
    (void)state;
    assert_int_equal(path_write_atomic("protected", "\n\nb.ckpt\na.ckpt", 15), LT_OK);
    assert_true(protected_has("a.ckpt") && protected_has("b.ckpt"));
    unlink("protected");
    mkdir("protected", 0777);
    assert_true(protected_has("a.ckpt"));
    assert_int_equal(protected_add("a.ckpt"), LT_EIO);
    rmdir("protected");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_are_kept_in_a_list),
                                       cmocka_unit_test(what_cannot_be_protected),
                                       cmocka_unit_test(hand_written_lists)};
    char folder[] = "/tmp/protected_test_XXXXXX";
    if (!mkdtemp(folder) || chdir(folder) != 0) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    static const char *const files[] = {"a.ckpt",    "val_f1=0.9 {x}.ckpt", "sub/a.ckpt", "last.ckpt",
                                        "notes.txt", "protected",           "sub"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) remove(files[i]);
    return chdir("/") != 0 || rmdir(folder) != 0 || failed;
}
