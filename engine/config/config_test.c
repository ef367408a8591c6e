#include "engine/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A whole configuration, every section used. */
static const char whole[] = "seed_everything: 7\n"
                            "trainer:\n"
                            "  accelerator: auto\n"
                            "  devices: auto\n"
                            "  strategy: auto\n"
                            "  precision: 32-true\n"
                            "  max_epochs: 100\n"
                            "  gradient_clip_val: 1.0\n"
                            "  accumulate_grad_batches: 4\n"
                            "  limit_val_batches: 0.5\n"
                            "  profiler: simple\n"
                            "  callbacks:\n"
                            "    - model_checkpoint: {monitor: val/f1, mode: max, save_top_k: 3, filename: "
                            "\"{epoch}-{val/f1:.3f}\", save_last: true}\n"
                            "    - early_stopping: {monitor: val/loss, patience: 10, mode: min}\n"
                            "    - learning_rate_monitor: {logging_interval: step}\n"
                            "    - gradient_monitor: {every_n_steps: 100, threshold: 100}\n"
                            "model:\n"
                            "  name: efficientnet_b0\n"
                            "  dropout: 0.3\n"
                            "optimizer: {name: adamw, lr: 1e-3, weight_decay: 0.01, no_decay: ['*.bias']}\n"
                            "lr_scheduler: {name: cosine_annealing, interval: epoch, warmup: {steps: 3}}\n"
                            "metrics: {train: [accuracy], val: [accuracy, {f1_score: {average: macro}}]}\n"
                            "data:\n"
                            "  name: image_folder\n"
                            "  data_dir: \"./my flowers\"\n"
                            "  split: {train: 0.8, val: 0.2, seed: 42}\n"
                            "  batch_size: 32\n"
                            "  num_workers: 4\n"
                            "  train_transforms: [{random_resized_crop: 224}, random_horizontal_flip, {color_jitter: "
                            "[0.2, 0.2, 0.2]}, {normalize: imagenet}]\n"
                            "  val_transforms: [{resize: 256}, {center_crop: 224}, {normalize: imagenet}]\n";

static struct config *parse(const char *yaml)
{
    struct config *config = NULL;
    if (config_parse(&config, yaml, "run.yaml", NULL, 0) != LT_OK) return NULL;
    return config;
}

static void whole_example(void **state)
{
    (void)state;
    static const char *const known[] = {"train/loss", "val/loss", "val/acc", "val/f1"};
    struct config *config = parse(whole);
    if (!config) fail_msg("%s", lt_message());
    assert_int_equal(config->seed, 7);
    assert_string_equal(config->run_name, "efficientnet_b0");
    assert_int_equal(config->trainer.max_epochs, 100);
    assert_int_equal(amount_of(config->trainer.limit_val_batches, 9), 4);
    assert_true(config->model.dropout == 0.3 && config->model.stochastic_depth_prob < 0);
    assert_string_equal(config->data.data_dir, "./my flowers");
    assert_int_equal(config->data.val_transforms->count, 3);
    assert_true(config->optimizer.optimizer->lr(config->optimizer.options) == 1e-3);
    assert_string_equal(config->optimizer.no_decay.item[0], "*.bias");
    struct callbacks callbacks;
    assert_int_equal(callbacks_read(&callbacks, config, known, 4), LT_OK);
    assert_int_equal(callbacks.count, 4);
    assert_string_equal(callbacks.callback[0]->name, "learning_rate_monitor"); /* in the order of callbacks.def */
    assert_string_equal(callbacks.callback[3]->name, "model_checkpoint");
    callbacks_release(&callbacks);
    config_free(config);
}

static void resolved_reads_back_to_the_same(void **state)
{
    (void)state;
    struct text first = {0}, second = {0};
    struct config *a = parse(whole);
    assert_non_null(a);
    config_write(&first, a);
    struct config *b = parse(text_get(&first));
    if (!b) fail_msg("%s\n%s", lt_message(), text_get(&first));
    config_write(&second, b);
    assert_string_equal(text_get(&first), text_get(&second));
    text_release(&first);
    text_release(&second);
    config_free(a);
    config_free(b);
}

static void defaults_and_overrides(void **state)
{
    (void)state;
    char *override[] = {"trainer.max_steps",   "50", "data.batch_size", "8", "optimizer", "{name: sgd, lr: 0.5}",
                        "trainer.num_threads", "3"};
    struct config *config;
    assert_int_equal(config_parse(&config, "model: {name: cnn}\ndata: {batch_size: 4}", "run.yaml", override, 4),
                     LT_OK);
    assert_int_equal(config->trainer.max_steps, 50);
    assert_int_equal(config->trainer.max_epochs, -1); /* steps were given, so epochs have no limit */
    assert_int_equal(config->data.batch_size, 8);
    assert_int_equal(config->trainer.num_threads, 3);
    assert_string_equal(config->optimizer.optimizer->name, "sgd");
    assert_int_equal(config->data.train_transforms->count, 3);
    config_free(config);
    config = parse("model: {name: cnn}");
    assert_int_equal(config->trainer.max_epochs, 1000);
    struct callbacks callbacks;
    assert_int_equal(callbacks_read(&callbacks, config, NULL, 0), LT_OK);
    assert_int_equal(callbacks.count, 1); /* last.ckpt always exists */
    callbacks_release(&callbacks);
    config_free(config);
    config = parse("model: {name: cnn}\ntrainer: {fast_dev_run: true, max_epochs: 9}");
    assert_int_equal(config->trainer.max_epochs, 1);
    assert_int_equal(amount_of(config->trainer.limit_train_batches, 100), 1);
    config_free(config);
}

/* What a person can get wrong, and the exact sentence. */
static void wrong_configurations(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *message;
    } cases[] = {
        {"model: {name: cnn}\ntrainer: {max_epoch: 3}",
         "run.yaml:2: trainer.max_epoch: there is no key 'max_epoch' here; did you mean 'max_epochs'?"},
        {"modle: {name: cnn}", "run.yaml:1: modle: there is no key 'modle' here; did you mean 'model'?"},
        {"trainer: {}", "run.yaml: the section model is missing: say at least model: {name: efficientnet_b0}"},
        {"model: {weights: x}",
         "run.yaml:1: model: the key 'name' is missing: the model, like efficientnet_b0, resnet18 or cnn"},
        {"model: {name: cnn}\noptimizer: {name: adamw, lr: fast}", "run.yaml:2: optimizer.lr: 'fast' is not a number"},
        {"model: {name: cnn}\ndata: {batch_size: -1}",
         "run.yaml:2: data.batch_size: -1 is not possible: it must be at least 1 and at most 65536"},
        {"model: {name: cnn}\ndata: {split: {train: 0.9, val: 0.2}}",
         "run.yaml:2: data.split: train 0.9 and val 0.2 are more than everything together"},
        {"model: {name: cnn}\ntrainer: {strategy: ddp}",
         "run.yaml:2: trainer.strategy: this strategy is not available yet; use single or auto"},
        {"model: {name: cnn}\ntrainer: {precision: 16-mixed}",
         "run.yaml:2: trainer.precision: this precision is not available yet; use 32-true or bf16-mixed"},
        {"model: {name: cnn}\ntrainer: {devices: 4}", "run.yaml:2: trainer.devices: more than one device is not "
                                                      "available yet; use 1 (threads are trainer.num_threads)"},
        {"model: {name: cnn}\ntrainer: {profiler: pytorch}",
         "run.yaml:2: trainer.profiler: there is no such profiler; use simple, advanced or null"},
        {"model: {name: cnn}\ntrainer: {nonfinite: rollback}",
         "run.yaml:2: trainer.nonfinite: this policy is not available yet; use stop"},
        {"model: {name: cnn}\ntrainer: {callbacks: [{dynamic_batch_size: {initial: 16}}]}",
         "run.yaml:2: trainer.callbacks.0: dynamic_batch_size is not available yet; drop it and set data.batch_size"},
        {"model: {name: cnn}\ntrainer: {overfit_batches: 10}",
         "run.yaml:2: trainer.overfit_batches: this is not available yet; use limit_train_batches"},
        {"model: {name: cnn}\ndata: {cache: packed}", "run.yaml:2: data.cache: 'packed' is not one of none|decoded"},
        {"model: {name: cnn}\ntrainer: {num_threads: many}",
         "run.yaml:2: trainer.num_threads: 'many' is not auto or a number of threads from 1 to 1024"},
        {"model: {name: cnn}\nrun_name: a/b", "run.yaml:2: run_name: 'a/b' cannot be a folder's name"},
        {"model: {name: cnn}\ndata: {data_dir: a, train_dir: b}",
         "run.yaml:2: data.train_dir: data_dir and train_dir exclude each other; keep one"},
        {"- a", "run.yaml:1: a configuration is a mapping (trainer: …, model: …, data: …)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_null(parse(cases[i].yaml));
        assert_string_equal(lt_message(), cases[i].message);
    }
}

static void wrong_callbacks(void **state)
{
    (void)state;
    static const char *const known[] = {"val/loss"};
    struct config *config = parse(
        "model: {name: cnn}\ntrainer:\n  callbacks:\n    - early_stoping: {monitor: val/loss}");
    struct callbacks callbacks;
    assert_int_equal(callbacks_read(&callbacks, config, known, 1), LT_EUSAGE);
    assert_string_equal(
        lt_message(),
        "run.yaml:4: trainer.callbacks.0: there is no callback 'early_stoping'; did you mean 'early_stopping'?");
    config_free(config);
    config = parse("model: {name: cnn}\ntrainer:\n  callbacks:\n    - early_stopping: {monitor: val/los}");
    assert_int_equal(callbacks_read(&callbacks, config, known, 1), LT_EUSAGE);
    assert_string_equal(
        lt_message(),
        "run.yaml:4: trainer.callbacks.0: nothing is logged under the name 'val/los'; did you mean 'val/loss'?");
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_example),          cmocka_unit_test(resolved_reads_back_to_the_same),
        cmocka_unit_test(defaults_and_overrides), cmocka_unit_test(wrong_configurations),
        cmocka_unit_test(wrong_callbacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
