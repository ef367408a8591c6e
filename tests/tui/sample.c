#include "tests/tui/sample.h"

#include "data/base/memory.h"
#include "data/base/path.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a run ---- */

void sample_put(struct app *app, struct text *frames)
{
    for (size_t at = 0; at < frames->length;) {
        enum wire_type type;
        const void *payload;
        size_t length;
        int64_t used = wire_next(frames->bytes + at, frames->length - at, &type, &payload, &length);
        assert_true(used > 0 && feed_apply(&app->feed, type, payload, length));
        at += (size_t)used;
    }
    text_release(frames);
}

static void put_curve(struct text *frames, uint32_t id, const char *name, int count, int every, double from, double to)
{
    struct wire_point *point = calloc((size_t)count, sizeof *point);
    for (int i = 0; i < count; i++) {
        double share = (double)i / count, wave = 0.1 * sin(i * 0.7) * (1 - share);
        point[i] = (struct wire_point){.step = (i + 1) * every,
                                       .wall = 1e9 + 0.1 * (i + 1) * every,
                                       .value = to + (from - to) * exp(-5 * share) * (1 + wave)};
        if (id == 0 && i == 300) point[i].value = from * 1.2; /* a spike of one step */
        if ((id == 4 && i == 500) || (id == 7 && i == 50)) point[i].value = (double)NAN;
    }
    wire_put_json(frames, WIRE_METRIC, json_pack("{s:i, s:s}", "id", (int)id, "name", name));
    wire_put_points(frames, id, point, (size_t)count);
    free(point);
}

static void put_event(struct text *frames, int step, const char *kind, int level, const char *words)
{
    static const char *const name[] = {"info", "warning", "severe"};
    wire_put_json(frames, WIRE_EVENT,
                  json_pack("{s:i, s:f, s:s, s:s, s:o}", "step", step, "wall", 1.0, "kind", kind, "level", name[level],
                            "text", wire_text(words)));
}

/* A row a second for eleven minutes, as the run's machine; one GPU. */
static void put_machine(struct text *frames, uint32_t id)
{
    enum { SECONDS = 660, COLUMNS = 12 };
    static const struct {
        const char *name;
        double least, most;
    } column[COLUMNS] = {{"cpu", 20, 390},          {"cpu_run", 15, 195},     {"memory", 5.9, 6.1},
                         {"memory_run", 0.88, 0.9}, {"disk_read", 0, 30},     {"disk_written", 0, 2},
                         {"load", 1.2, 1.3},        {"threads", 9, 9},        {"gpu0_use", 80, 98},
                         {"gpu0_memory", 33, 35},   {"gpu0_power", 250, 320}, {"gpu0_temperature", 55, 62}};
    static struct wire_point point[SECONDS];
    for (int k = 0; k < COLUMNS; k++) {
        char name[64];
        snprintf(name, sizeof name, "system/%s", column[k].name);
        for (int i = 0; i < SECONDS; i++)
            point[i] = (struct wire_point){.step = i + 1,
                                           .wall = 1e9 + i,
                                           .value = column[k].least + (column[k].most - column[k].least) *
                                                                          (0.5 + 0.5 * sin(i * (0.01 + 0.02 * k)))};
        wire_put_json(frames, WIRE_METRIC, json_pack("{s:i, s:s}", "id", (int)id + k, "name", name));
        wire_put_points(frames, id + (uint32_t)k, point, SECONDS);
    }
}

void sample_fill(struct app *app)
{
    struct text frames = {0};
    struct run_status status = {.state = RUN_RUNNING,
                                .stage = STAGE_TRAIN,
                                .step = 700,
                                .steps = 900,
                                .epoch = 15,
                                .epochs = 20,
                                .batch = 25,
                                .batches = 45,
                                .samples_per_s = 3512.4,
                                .elapsed_s = 75,
                                .left_s = 21.4,
                                .clip_value = 5,
                                .best = 0.9944,
                                .lr = 0.00012,
                                .lr_factor = 1,
                                .monitor = "val/acc",
                                .step_ms = 9.12,
                                .phase_ms = {0.2, 0.05, 3.3, 5.1, 0.2, 0.1, 0.02}};
    wire_put_json(&frames, WIRE_HELLO,
                  json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:i}", "version", WIRE_VERSION, "name",
                            "cnn/version_0", "model", "cnn", "device", "cpu avx512, 2 threads", "precision", "32-true",
                            "folder", "tests/tui/run", "host", "example", "pid", 4242));
    put_curve(&frames, 0, "train/loss", 700, 1, 2.3, 0.01);
    put_curve(&frames, 1, "val/loss", 15, 45, 1.8, 0.05);
    put_curve(&frames, 2, "train/acc", 15, 45, 0.3, 0.99);
    put_curve(&frames, 3, "val/acc", 15, 45, 0.4, 0.985);
    put_curve(&frames, 4, "grad_norm", 700, 1, 4.5, 0.4);
    put_curve(&frames, 5, "lr", 700, 1, 0.003, 0.0001);
    put_curve(&frames, 6, "grad_norm/features.0.0.weight", 70, 10, 3, 0.2);
    put_curve(&frames, 7, "grad_norm/features.0.1.weight", 70, 10, 0.3, 0.004);
    put_curve(&frames, 8, "grad_norm/features.1.block.0.squeeze_excitation.fc1.weight", 70, 10, 0.05, 1.5);
    put_curve(&frames, 9, "grad_norm/classifier.1.bias", 70, 10, 1, 1e-6);
    put_machine(&frames, 10);
    put_curve(&frames, 22, "update_ratio/features.0.0.weight", 70, 10, 0.02, 0.001);
    put_curve(&frames, 23, "update_ratio/features.0.1.weight", 70, 10, 0.2, 0.12);
    put_curve(&frames, 24, "grad_zeros/features.0.0.weight", 70, 10, 0.1, 0.2);
    put_curve(&frames, 25, "grad_zeros/features.0.1.weight", 70, 10, 0.1, 0.995);
    put_curve(&frames, 26, "grad_nonfinite/features.0.0.weight", 70, 10, 0, 0);
    put_curve(&frames, 27, "grad_nonfinite/features.0.1.weight", 70, 10, 12, 12);
    put_event(&frames, 1, "start", 0, "cnn on avx512, 1437 pictures to train, 360 to validate");
    put_event(&frames, 500, "grad_warning", 1, "gradient norm 120 of features.0.0.weight is above 100");
    put_event(&frames, 501, "nan", 2, "gradient of features.0.0.weight is NaN");
    put_event(&frames, 675, "checkpoint", 0, "saved checkpoints/last.ckpt (2.9 MB, 17 ms) – häkchen \xff and a\ttab");
    wire_put_json(&frames, WIRE_STATUS, wire_status(&status));
    sample_put(app, &frames);
}

void sample_open(struct app *app, struct canvas *canvas, int width, int height)
{
    sample_fill(app);
    canvas_resize(canvas, width, height);
}

void sample_close(struct app *app, struct canvas *canvas)
{
    canvas_release(canvas);
    app_release(app);
}

void sample_type(struct app *app, struct canvas *canvas, const char *keys)
{
    for (; *keys; keys++) {
        app_draw(app, canvas);
        app_key(app, *keys, 0);
    }
    app_draw(app, canvas);
}

/* ---- its folder ---- */

static char work[] = "/tmp/screen_test_XXXXXX";

int sample_enter(void **state)
{
    const char *root = getenv("LATHE_SOURCE_DIR");
    char here[4096], command[16384];
    (void)state;
    if (!root) root = getcwd(here, sizeof here);
    if (!root || !mkdtemp(work)) return -1;
    snprintf(command, sizeof command,
             "mkdir -p %s/tests/tui && cp -r '%.4000s/tests/tui/run' %s/tests/tui && ln -s "
             "'%.4000s/data' %s/data",
             work, root, work, root, work);
    setenv("XDG_CONFIG_HOME", work, 1);
    return system(command) == 0 ? chdir(work) : -1;
}

int sample_leave(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", work);
    return system(command);
}

/* ---- pictures ---- */

void sample_add_code(struct text *out, uint32_t code)
{
    const int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3; /* bytes behind the first */
    static const uint8_t lead[] = {0, 0xC0, 0xE0, 0xF0};
    text_add_bytes(out, &(char){(char)(lead[more] | code >> 6 * more)}, 1);
    for (int i = more - 1; i >= 0; i--) text_add_bytes(out, &(char){(char)(0x80 | (code >> 6 * i & 0x3F))}, 1);
}

void sample_print(struct text *out, const struct canvas *canvas)
{
    static const char slots[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    _Static_assert(THEME_SLOTS < sizeof slots, "a letter for each slot");
    for (int y = 0; y < canvas->height; y++) {
        for (int x = 0; x < canvas->width; x++)
            if (canvas->cell[y * canvas->width + x].code)
                sample_add_code(out, canvas->cell[y * canvas->width + x].code);
        text_add(out, "\n");
    }
    for (int y = 0; y < canvas->height; y++) {
        for (int x = 0; x < canvas->width; x++) text_add(out, "%c", slots[canvas->cell[y * canvas->width + x].slot]);
        text_add(out, "\n");
    }
}

/* The first line that is another, of both. */
static void fail_at_difference(const char *name, const char *stored, const char *drawn)
{
    int line = 1;
    for (size_t length; *stored && *drawn; line++) {
        length = strcspn(stored, "\n") + 1;
        if (strncmp(stored, drawn, length) != 0) break;
        stored += length, drawn += length;
    }
    fail_msg("%s looks different now (LATHE_UPDATE=1 stores it, git diff shows all), line %d was\n%.*s\nand is\n%.*s",
             name, line, (int)strcspn(stored, "\n"), stored, (int)strcspn(drawn, "\n"), drawn);
}

void sample_compare(const struct text *drawn, const char *name)
{
    struct text path = {0};
    const char *root = getenv("LATHE_SOURCE_DIR");
    char *stored = NULL;
    size_t length = 0;
    text_add(&path, "%s/tests/tui/expected/%s.txt", root ? root : ".", name);
    if (getenv("LATHE_UPDATE"))
        assert_int_equal(path_write_atomic(text_get(&path), drawn->bytes, drawn->length), LT_OK);
    if (path_read(&stored, &length, text_get(&path), 1 << 20) != LT_OK) fail_msg("%s", lt_message());
    if (length != drawn->length || memcmp(stored, drawn->bytes, length) != 0)
        fail_at_difference(name, stored, text_get(drawn));
    free(stored);
    text_release(&path);
}
