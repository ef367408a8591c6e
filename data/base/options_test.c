#include "data/base/memory.h"
#include "data/base/options.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct sample_options {
    int64_t size;
    double rate;
    bool fast;
    char *name;
    int mode;
    struct amount limit;
    double every;
    struct reals scale;
    struct texts freeze;
};

static const struct option rows[] = {
    {.key = "size",
     .type = OPTION_INT,
     .offset = offsetof(struct sample_options, size),
     .initial = "32",
     .min = 1,
     .max = 4096,
     .help = "h"},
    {.key = "rate",
     .type = OPTION_REAL,
     .offset = offsetof(struct sample_options, rate),
     .initial = "1e-3",
     .min = 0,
     .open_min = true,
     .help = "h"},
    {.key = "fast",
     .type = OPTION_BOOL,
     .offset = offsetof(struct sample_options, fast),
     .initial = "false",
     .help = "h"},
    {.key = "name",
     .type = OPTION_TEXT,
     .offset = offsetof(struct sample_options, name),
     .initial = "null",
     .help = "h"},
    {.key = "mode",
     .type = OPTION_CHOICE,
     .offset = offsetof(struct sample_options, mode),
     .initial = "min",
     .choices = "min|max",
     .help = "h"},
    {.key = "limit",
     .type = OPTION_AMOUNT,
     .offset = offsetof(struct sample_options, limit),
     .initial = "1.0",
     .help = "h"},
    {.key = "every",
     .type = OPTION_DURATION,
     .offset = offsetof(struct sample_options, every),
     .initial = "10 min",
     .help = "h"},
    {.key = "scale",
     .type = OPTION_REALS,
     .offset = offsetof(struct sample_options, scale),
     .initial = "[0.08, 1]",
     .help = "h"},
    {.key = "freeze",
     .type = OPTION_TEXTS,
     .offset = offsetof(struct sample_options, freeze),
     .initial = "[]",
     .help = "h"},
};
static const struct option_table table = {rows, sizeof rows / sizeof *rows};

static enum lt_err bind_text(struct sample_options *options, const char *yaml)
{
    struct setting *root;
    enum lt_err err = setting_parse(&root, yaml, "t.yaml");
    if (err == LT_OK) {
        err = options_bind(options, table, root);
        setting_free(root);
    }
    return err;
}

static void defaults(void **state)
{
    (void)state;
    struct sample_options o;
    assert_int_equal(options_bind(&o, table, NULL), LT_OK);
    assert_int_equal(o.size, 32);
    assert_true(o.rate == 1e-3 && !o.fast && !o.name && o.mode == 0 && o.every == 600);
    assert_true(o.limit.is_set && o.limit.is_fraction && o.limit.fraction == 1);
    assert_int_equal(o.scale.count, 2);
    assert_true(o.scale.item[0] == 0.08);
    assert_int_equal(o.freeze.count, 0);
    options_release(&o, table);
}

/* Each wrong text with the exact sentence it must give. */
#define LONG_KEY "a key that is far too long to be one "

static void errors(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *message;
    } cases[] = {
        {"size: 0", "t.yaml:1: size: 0 is not possible: it must be at least 1 and at most 4096"},
        {"\n\nrate: fast", "t.yaml:3: rate: 'fast' is not a number"},
        {"rate: 0", "t.yaml:1: rate: 0 is not possible: it must be above 0"},
        {"rate: nan", "t.yaml:1: rate: 'nan' is not a number"},
        {"size: \"3\"", "t.yaml:1: size: '3' is not a whole number"},
        {"size: 3.5", "t.yaml:1: size: '3.5' is not a whole number"},
        {"siz: 3", "t.yaml:1: siz: there is no key 'siz' here; did you mean 'size'?"},
        {"zzzzzz: 3", "t.yaml:1: zzzzzz: there is no key 'zzzzzz' here"},
        {"fast: on", "t.yaml:1: fast: 'on' is not true or false"},
        {"mode: most", "t.yaml:1: mode: 'most' is not one of min|max"},
        {"limit: 1.5", "t.yaml:1: limit: 1.5 is not possible: a share lies between 0.0 and 1.0"},
        {"every: soon", "t.yaml:1: every: 'soon' is not a duration (90 s, 10 min, 2 h)"},
        {"scale: [1, two]", "t.yaml:1: scale.1: 'two' is not a number"},
        {"size:", "t.yaml:1: size: a value is missing"},
        {"size: 1\nsize: 2", "t.yaml:2: the key 'size' stands twice (first on line 1); keep one"},
        {"size: 1\n" LONG_KEY LONG_KEY LONG_KEY LONG_KEY ": 2", "t.yaml:2: a key has at most 128 letters"},
        {"a: &x 1", "t.yaml:1: anchors and aliases are not supported"},
        {"a: !!int 1", "t.yaml:1: tags (!name) are not supported"},
        {"- 1", "t.yaml:1: a list stands here, but it must be a mapping (key: value)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sample_options o;
        assert_int_equal(bind_text(&o, cases[i].yaml), LT_EUSAGE);
        assert_string_equal(lt_message(), cases[i].message);
    }
}

static void amounts(void **state)
{
    (void)state;
    struct sample_options o;
    assert_int_equal(bind_text(&o, "{limit: 1, every: 00:01:00:30, name: 'null', freeze: a.*}"), LT_OK);
    assert_int_equal(amount_of(o.limit, 10), 1);
    assert_true(o.every == 3630);
    assert_string_equal(o.name, "null");
    assert_string_equal(o.freeze.item[0], "a.*");
    options_release(&o, table);
    assert_int_equal(bind_text(&o, "limit: 0.25"), LT_OK);
    assert_int_equal(amount_of(o.limit, 10), 2);
    options_release(&o, table);
}

/* What options_write prints binds to the same values again. */
static void round_trip(void **state)
{
    (void)state;
    struct sample_options a, b;
    assert_int_equal(
        bind_text(&a, "{size: 7, rate: 0.1, name: \"x: #\\\"y\", limit: 1.0, mode: max, freeze: [a, 'null']}"), LT_OK);
    struct text text = {0}, again = {0};
    options_write(&text, &a, table, 0);
    assert_int_equal(bind_text(&b, text_get(&text)), LT_OK);
    options_write(&again, &b, table, 0);
    assert_string_equal(text_get(&text), text_get(&again));
    assert_string_equal(b.name, "x: #\"y");
    assert_string_equal(b.freeze.item[1], "null");
    assert_true(b.rate == 0.1 && b.size == 7 && b.limit.is_fraction);
    text_release(&text);
    text_release(&again);
    options_release(&a, table);
    options_release(&b, table);
}

static void merge_and_override(void **state)
{
    (void)state;
    struct setting *base, *over;
    assert_int_equal(setting_parse(&base, "{a: {b: 1, c: 2}, d: [1, 2]}", "base.yaml"), LT_OK);
    assert_int_equal(setting_parse(&over, "{a: {c: 3}, d: [9]}", "over.yaml"), LT_OK);
    setting_merge(base, over);
    assert_int_equal(setting_override(base, "a.x.y", "[1, 2]"), LT_OK);
    assert_int_equal(setting_override(base, "a..b", "1"), LT_EUSAGE);
    struct text text = {0};
    setting_write(&text, base);
    assert_string_equal(text_get(&text), "a:\n  b: 1\n  c: 3\n  x: {y: [1, 2]}\nd:\n  - 9\n");
    assert_string_equal(setting_find(base, "a.c")->file, "over.yaml");
    text_release(&text);
    setting_free(base);
}

/* What the fuzzer found: texts that YAML reads as something else unless they are quoted and escaped. */
static void awkward_texts(void **state)
{
    (void)state;
    static const char *const texts[] = {"---",
                                        "...",
                                        "--- a",
                                        "-.5",
                                        "\xc2\x85U0",
                                        "\xe2\x80\xa8",
                                        "\xef\xbb\xbf"
                                        "a",
                                        "\x7f",
                                        "a\nb\\\""};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct setting plain = {.scalar = (char *)texts[i]};
        struct text written = {0};
        struct setting *read;
        setting_write(&written, &plain);
        assert_int_equal(setting_parse(&read, text_get(&written), "t.yaml"), LT_OK);
        assert_int_equal(read->kind, SETTING_SCALAR);
        assert_string_equal(read->scalar, texts[i]);
        setting_free(read);
        text_release(&written);
    }
}

static void hostile(void **state)
{
    (void)state;
    struct setting *root;
    char deep[400];
    memset(deep, '[', 200);
    memset(deep + 200, ']', 200);
    deep[399] = 0;
    assert_int_equal(setting_parse(&root, deep, "deep.yaml"), LT_EUSAGE);
    assert_int_equal(setting_parse(&root, "a: [1, 2", "t.yaml"), LT_EUSAGE);
    assert_int_equal(setting_parse(&root, "a: 1\n---\nb: 2", "t.yaml"), LT_EUSAGE);
    assert_int_equal(setting_parse(&root, "\xff\xfe\x01", "t.yaml"), LT_EUSAGE);
    assert_int_equal(setting_parse(&root, "", "t.yaml"), LT_OK);
    assert_int_equal(root->count, 0);
    setting_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(errors),
        cmocka_unit_test(amounts),
        cmocka_unit_test(round_trip),
        cmocka_unit_test(merge_and_override),
        cmocka_unit_test(awkward_texts),
        cmocka_unit_test(hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
