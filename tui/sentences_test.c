#include "tui/sentences.h"

#include "data/base/memory.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void add_metric(struct feed *feed, const char *name, int64_t step, double value)
{
    size_t i = 0;
    while (i < feed->metrics && strcmp(feed->metric[i].name, name) != 0) i++;
    if (i == feed->metrics) {
        feed->metric = memory_grow(feed->metric, feed->metrics, &feed->metric_capacity, sizeof *feed->metric);
        feed->metric[feed->metrics++] = (struct feed_metric){.id = (uint32_t)i, .name = memory_text(name)};
    }
    series_add(&feed->metric[i].series, (struct wire_point){.step = step, .value = value});
}

static void add_event(struct feed *feed, int64_t step, enum event_level level, const char *words)
{
    feed->event = memory_grow(feed->event, feed->events, &feed->event_capacity, sizeof *feed->event);
    feed->event[feed->events++] = (struct feed_event){
        .step = step, .level = level, .kind = memory_text("x"), .text = memory_text(words)};
}

static void start(struct feed *feed)
{
    feed->hello = (struct feed_hello){.name = memory_text("cnn/version_0"),
                                      .model = memory_text("cnn"),
                                      .device = memory_text("cpu"),
                                      .folder = memory_text("runs"),
                                      .precision = memory_text("32-true"),
                                      .host = memory_text("here")};
    feed->has_hello = feed->has_status = true;
    feed->status = (struct run_status){.state = RUN_RUNNING,
                                       .steps = 900,
                                       .epochs = 20,
                                       .batches = 45,
                                       .samples_per_s = 3512.4,
                                       .left_s = 80,
                                       .best = (double)NAN,
                                       .monitor = "val/acc"};
}

static void expect(struct sentences *self, const struct feed *feed, double now_s, const char *wanted)
{
    struct text out = {0};
    sentences_tell(self, feed, now_s, &out);
    assert_string_equal(text_get(&out), wanted);
    text_release(&out);
}

static void changes_are_told_once(void **state)
{
    (void)state;
    struct sentences self = {.every_s = 30};
    struct feed feed = {0};
    expect(&self, &feed, 0, "");
    start(&feed);
    expect(&self, &feed, 0,
           "The run cnn/version_0 trains cnn on cpu.\nTraining goes on, step 0 of 900.\n"
           "Epoch 1 of 20, batch 0 of 45, step 0 of 900; 3512 pictures a second, about 80 seconds left.\n");
    expect(&self, &feed, 100, ""); /* nothing has moved */
    add_metric(&feed, "train/loss", 10, 0.52312);
    add_metric(&feed, "grad_norm", 10, 3);
    feed.status.step = feed.status.batch = 10;
    feed.status.left_s = 7500;
    expect(&self, &feed, 101,
           "Epoch 1 of 20, batch 10 of 45, step 10 of 900: training loss 0.5231; 3512 pictures a second, about 2 hours "
           "and 5 minutes left.\n");
    feed.status.step = 20;
    expect(&self, &feed, 130, ""); /* too soon */
    add_metric(&feed, "val/acc", 45, 0.97);
    add_event(&feed, 45, LEVEL_INFO, "saved last.ckpt");
    feed.status.epoch = 1, feed.status.best = 0.97, feed.status.step = 45;
    expect(
        &self, &feed, 130.5,
        "At step 45: saved last.ckpt\nEpoch 1 of 20 is done: training loss 0.5231, validation accuracy 0.97; the best "
        "validation accuracy so far is 0.97.\n");
    feed.status.state = RUN_PAUSED;
    strcpy(feed.asked, "pause");
    strcpy(feed.answer, "done at step 45: paused");
    expect(&self, &feed, 130.6, "Training is paused, step 45 of 900.\nYour pause is done at step 45: paused\n");
    feed.answer[0] = 0; /* asked again */
    expect(&self, &feed, 130.7, "");
    strcpy(feed.answer, "not done: it is paused already");
    expect(&self, &feed, 130.8, "Your pause is not done: it is paused already\n");
    feed_release(&feed);
}

/* Who attaches late hears of the present, not of a thousand checkpoints. */
static void late_listeners_are_spared(void **state)
{
    (void)state;
    struct sentences self = {.every_s = 30};
    struct feed feed = {0};
    struct text out = {0};
    start(&feed);
    feed.status.epoch = 7;
    for (int i = 0; i < 500; i++) add_event(&feed, i, LEVEL_INFO, "saved");
    add_event(&feed, 501, LEVEL_SEVERE, "gradient is NaN");
    sentences_tell(&self, &feed, 0, &out);
    assert_non_null(strstr(text_get(&out),
                           "501 things happened before; this was the last.\nSevere, at step 501: gradient "
                           "is NaN\nEpoch 8 of 20"));
    assert_null(strstr(text_get(&out), "saved"));
    assert_null(strstr(text_get(&out), "is done"));
    text_release(&out);
    feed_release(&feed);
}

static void hostile_text_is_harmless(void **state)
{
    (void)state;
    struct sentences self = {0};
    struct feed feed = {0};
    struct text out = {0};
    start(&feed);
    add_event(&feed, 1, LEVEL_WARNING,
              "a\x1b]52;c;AAAA\a b\xff\xc2\x9b"
              "2J\r\nc \xc3\xa4");
    add_metric(&feed, "val/\x1b[2J", 1, (double)NAN);
    sentences_tell(&self, &feed, 0, &out);
    assert_non_null(strstr(text_get(&out), "Warning at step 1: a?]52;c;AAAA? b??2J??c \xc3\xa4\n"));
    assert_null(strpbrk(text_get(&out), "\x1b\a\r"));
    text_release(&out);
    feed_release(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(changes_are_told_once),
                                       cmocka_unit_test(late_listeners_are_spared),
                                       cmocka_unit_test(hostile_text_is_harmless)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
