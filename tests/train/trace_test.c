/* Is the trace of a real run one that Chrome and Perfetto read (the JSON Object Format of the Trace Event Format), with
 * what lathe promises: threads named, complete events only, times that nest in the trainer's thread? */
#include <jansson.h>
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

static const char *reason;

static int because(const char *why)
{
    if (!reason) reason = why;
    return 0;
}

static int has_number(const json_t *event, const char *key)
{
    return json_is_number(json_object_get(event, key)) || because(key);
}

static int check_metadata(const json_t *event)
{
    const char *name = json_string_value(json_object_get(event, "name"));
    if (!name || (strcmp(name, "process_name") != 0 && strcmp(name, "thread_name") != 0)) return because("metadata");
    return json_is_string(json_object_get(json_object_get(event, "args"), "name")) ||
           because("metadata without a name");
}

static int check_complete(const json_t *event)
{
    static const char *const keys[] = {"name", "cat", "ph", "ts", "dur", "pid", "tid", "args"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)event, key, value)
    {
        int known = 0;
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) known |= strcmp(key, keys[i]) == 0;
        if (!known) return because(key);
    }
    if (!has_number(event, "ts") || !has_number(event, "dur")) return 0;
    if (!json_is_string(json_object_get(event, "name")) || !json_is_string(json_object_get(event, "cat")))
        return because("no name or category");
    if (json_number_value(json_object_get(event, "ts")) < 0) return because("ts < 0");
    if (json_number_value(json_object_get(event, "dur")) < 0) return because("dur < 0");
    const json_t *args = json_object_get(event, "args");
    if (!args) return 1;
    return (json_is_string(json_object_get(args, "layer")) && has_number(args, "gflops")) || because("kernel");
}

/* Events of one thread stand in the order of their ends. Read backwards, each lies inside the one before that is still
 * open, or before it. */
static int check_nesting(const json_t *events, json_int_t thread)
{
    double begin[64];
    int depth = 0;
    const double slack = 0.002; /* microseconds: times are rounded to nanoseconds */
    for (size_t i = json_array_size(events); i-- > 0;) {
        const json_t *event = json_array_get(events, i);
        const char *phase = json_string_value(json_object_get(event, "ph"));
        if (phase[0] != 'X' || json_integer_value(json_object_get(event, "tid")) != thread) continue;
        const double ts = json_number_value(json_object_get(event, "ts"));
        const double end = ts + json_number_value(json_object_get(event, "dur"));
        while (depth && end <= begin[depth - 1] + slack) depth--;
        if (depth && ts < begin[depth - 1] - slack) return because("two spans overlap");
        if (depth == 64) return because("more than 64 deep");
        begin[depth++] = ts;
    }
    return 1;
}

static int check(const json_t *trace)
{
    const json_t *events = json_object_get(trace, "traceEvents"), *event;
    size_t i;
    json_int_t trainer = -1;
    int kernels = 0, steps = 0, decoded = 0, loaders = 0, logs = 0;
    if (!json_is_array(events)) return because("no traceEvents");
    json_array_foreach(events, i, event)
    {
        const char *phase = json_string_value(json_object_get(event, "ph"));
        if (!phase || !json_is_integer(json_object_get(event, "pid")) ||
            !json_is_integer(json_object_get(event, "tid")))
            return because("no ph, pid or tid");
        if (phase[0] == 'M' ? !check_metadata(event) : phase[0] == 'X' ? !check_complete(event) : !because("ph"))
            return 0;
        const char *name = json_string_value(json_object_get(event, "name"));
        const char *who = json_string_value(json_object_get(json_object_get(event, "args"), "name"));
        if (phase[0] == 'M' && who && strcmp(who, "trainer") == 0)
            trainer = json_integer_value(json_object_get(event, "tid"));
        loaders += who && strncmp(who, "data-", 5) == 0;
        logs += who && strncmp(who, "log-", 4) == 0;
        kernels += json_object_get(event, "args") && phase[0] == 'X';
        steps += strcmp(name, "step") == 0;
        decoded += strcmp(name, "decode") == 0;
    }
    if (trainer < 0) return because("no thread is called trainer");
    if (!loaders || !logs) return because("no threads of loaders or of the log");
    if (!kernels || !steps || !decoded) return because("no kernels, steps or decoding");
    return check_nesting(events, trainer);
}

static void check_file(const char *path)
{
    json_error_t error;
    json_t *trace = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!trace) print_error("%s: %s\n", path, error.text);
    assert_non_null(trace);
    if (!check(trace)) print_error("%s: %s\n", path, reason);
    assert_null(reason);
    json_decref(trace);
}

static void a_profiled_run_leaves_a_trace(void **state)
{
    (void)state;
    char folder[] = "/tmp/lathe-trace-XXXXXX";
    struct stat st;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(setenv("XDG_RUNTIME_DIR", folder, 1), 0);
    assert_int_equal(system("\"$LATHE_BINARY\" demo >log"), 0);
    assert_int_equal(system("\"$LATHE_BINARY\" fit --headless -c demo/digits.yaml --run_name traced --trainer.profiler "
                            "advanced --trainer.max_epochs 12 >>log 2>&1"),
                     0);
    check_file("runs/traced/version_0/trace.json");
    assert_int_equal(stat("runs/traced/version_0/trace.json", &st), 0);
    assert_in_range(st.st_size, 1000000, 8000000); /* more spans were recorded than are kept */
    assert_int_equal(chdir("/"), 0);
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_profiled_run_leaves_a_trace)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
