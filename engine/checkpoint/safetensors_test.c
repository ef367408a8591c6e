#include "data/base/path.h"
#include "data/base/text.h"
#include "engine/checkpoint/safetensors.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static const char path[] = "safetensors_test.safetensors";
static const float weight[6] = {1, 2, 3, 4, 5, 6};
static const int64_t steps[1] = {9};

static enum lt_err write_sample(void)
{
    const struct safetensors_tensor tensor[] = {
        {.name = "a.weight", .dtype = DTYPE_F32, .shape = SHAPE(2, 3), .data = weight},
        {.name = "empty", .dtype = DTYPE_F32, .shape = SHAPE(0), .data = weight},
        {.name = "a.steps", .dtype = DTYPE_I64, .shape = {0}, .data = steps},
    };
    const struct safetensors_pair pair[] = {{"state", "{\"x\": \"é\"}"}, {"format", "pt"}};
    return safetensors_write(path, tensor, 3, pair, 2, true);
}

static void round_trip(void **state)
{
    (void)state;
    struct safetensors *file;
    struct safetensors_tensor tensor;
    assert_int_equal(write_sample(), LT_OK);
    assert_int_equal(safetensors_open(&file, path), LT_OK);
    assert_int_equal(safetensors_count(file), 3);
    assert_true(safetensors_find(file, "a.weight", &tensor));
    assert_true(shape_equal(tensor.shape, SHAPE(2, 3)));
    assert_memory_equal(tensor.data, weight, sizeof weight);
    assert_true(safetensors_find(file, "a.steps", &tensor));
    assert_memory_equal(tensor.data, steps, sizeof steps);
    assert_false(safetensors_find(file, "b", &tensor));
    assert_string_equal(safetensors_metadata(file, "state"), "{\"x\": \"é\"}");
    assert_null(safetensors_metadata(file, "other"));
    safetensors_close(file);
}

/* Every single flipped byte and every shorter length is noticed. */
static void every_damage_is_noticed(void **state)
{
    (void)state;
    char *bytes;
    size_t length;
    struct safetensors *file;
    assert_int_equal(write_sample(), LT_OK);
    assert_int_equal(path_read(&bytes, &length, path, 1 << 20), LT_OK);
    for (size_t i = 0; i < length; i++) {
        char was = bytes[i];
        bytes[i] = (char)(was ^ 1);
        assert_int_equal(path_write_atomic(path, bytes, length), LT_OK);
        bytes[i] = was;
        bool padding = was == ' ' && i >= 8; /* blanks of the header mean nothing */
        enum lt_err err = safetensors_open(&file, path);
        /* A flip inside the word "checksum" makes a file without one; checkpoints must have one, see checkpoint.c. */
        bool unprotected = err == LT_OK && !safetensors_metadata(file, "checksum");
        if (err == LT_OK) safetensors_close(file);
        assert_true(err != LT_OK || padding || unprotected);
        if (err != LT_OK) assert_non_null(strstr(lt_message(), path));
    }
    for (size_t n = 0; n < length; n++) {
        assert_int_equal(path_write_atomic(path, bytes, n), LT_OK);
        assert_int_not_equal(safetensors_open(&file, path), LT_OK);
    }
    free(bytes);
}

static void write_header(const char *header, size_t data)
{
    struct text text = {0};
    unsigned char size[8] = {(unsigned char)strlen(header), (unsigned char)(strlen(header) >> 8)};
    text_add_bytes(&text, size, 8);
    text_add(&text, "%s", header);
    for (size_t i = 0; i < data; i++) text_add_bytes(&text, "x", 1);
    assert_int_equal(path_write_atomic(path, text.bytes, text.length), LT_OK);
    text_release(&text);
}

static void lying_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
    } cases[] = {
        {"[]", 0},
        {"{\"a\": 1}", 0},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 8]}}", 8},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [2], \"data_offsets\": [4, 12]}}", 8},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [-1], \"data_offsets\": [0, 4]}}", 4},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [4611686018427387904, 4], \"data_offsets\": [0, 0]}}", 0},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [1,1,1,1,1,1], \"data_offsets\": [0, 4]}}", 4},
        {"{\"a\": {\"dtype\": \"F8_E4M3\", \"shape\": [2], \"data_offsets\": [0, 4]}}", 4},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}}", 5},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}, \"b\": {\"dtype\": \"F32\", "
         "\"shape\": [1], "
         "\"data_offsets\": [0, 4]}}",
         4},
        {"{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}, \"a\": {\"dtype\": \"F32\", "
         "\"shape\": [1], "
         "\"data_offsets\": [0, 4]}}",
         4},
        {"{\"__metadata__\": {\"x\": 1}}", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct safetensors *file;
        write_header(cases[i].header, cases[i].data);
        assert_int_not_equal(safetensors_open(&file, path), LT_OK);
    }
}

/* A write that cannot finish leaves the old file and nothing else. */
static void full_disk(void **state)
{
    (void)state;
    assert_int_equal(write_sample(), LT_OK);
    static float large[100000];
    const struct safetensors_tensor tensor = {.name = "x", .dtype = DTYPE_F32, .shape = SHAPE(100000), .data = large};
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 4096;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_not_equal(safetensors_write(path, &tensor, 1, NULL, 0, true), LT_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    struct safetensors *file;
    assert_int_equal(safetensors_open(&file, path), LT_OK);
    assert_int_equal(safetensors_count(file), 3);
    safetensors_close(file);
    char temporary[128];
    snprintf(temporary, sizeof temporary, "%s.tmp%ld", path, (long)getpid());
    assert_false(path_exists(temporary));
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip), cmocka_unit_test(every_damage_is_noticed),
                                       cmocka_unit_test(lying_headers), cmocka_unit_test(full_disk)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
