#include "engine/config/tables.h"

#include "engine/config/config.h"

const char config_defaults[] =
    "metrics: {train: [accuracy], val: [accuracy, {f1_score: {average: macro}}]}\n"
    "data:\n"
    "  split: {train: 0.8, val: 0.2, seed: 42}\n"
    "  train_transforms: [{random_resized_crop: 224}, random_horizontal_flip, {normalize: imagenet}]\n"
    "  val_transforms: [{resize: 256}, {center_crop: 224}, {normalize: imagenet}]\n";

/* clang-format off: one row, one line of facts, one sentence */
#define ROW(name, kind, where) .key = name, .type = kind, .offset = where

#define ROOT(field) offsetof(struct root_options, field)
static const struct option root_rows[] = {
    {ROW("seed_everything", OPTION_INT, ROOT(seed)), .initial = "42", .min = 0, .max = 9e15,
     .help = "the seed that everything random in a run is a function of"},
    {ROW("run_name", OPTION_TEXT, ROOT(run_name)), .initial = "null",
     .help = "NAME in runs/NAME/version_N; default: the model's name"},
    {ROW("trainer", OPTION_SETTING, ROOT(trainer)), .initial = "null", .help = "how long, how, with which callbacks"},
    {ROW("model", OPTION_SETTING, ROOT(model)), .initial = "null", .help = "what is trained"},
    {ROW("optimizer", OPTION_SETTING, ROOT(optimizer)), .initial = "null",
     .help = "name (sgd, adam, adamw), lr and its own keys"},
    {ROW("lr_scheduler", OPTION_SETTING, ROOT(lr_scheduler)), .initial = "null",
     .help = "name (constant, step, multi_step, exponential, cosine_annealing), interval, warmup"},
    {ROW("metrics", OPTION_SETTING, ROOT(metrics)), .initial = "null", .help = "what is measured, per stage"},
    {ROW("data", OPTION_SETTING, ROOT(data)), .initial = "null", .help = "pictures, transforms, batches"},
};

#define TRAINER(field) offsetof(struct trainer_options, field)
static const struct option trainer_rows[] = {
    {ROW("accelerator", OPTION_TEXT, TRAINER(accelerator)), .initial = "auto", .help = "cpu or auto"},
    {ROW("devices", OPTION_TEXT, TRAINER(devices)), .initial = "auto", .help = "devices per node; 1 so far"},
    {ROW("num_nodes", OPTION_INT, TRAINER(num_nodes)), .initial = "1", .min = 1, .max = 1e6,
     .help = "machines; 1 so far"},
    {ROW("strategy", OPTION_TEXT, TRAINER(strategy)), .initial = "auto", .help = "auto or single"},
    {ROW("precision", OPTION_TEXT, TRAINER(precision)), .initial = "32-true",
     .help = "32-true, or bf16-mixed: activations in bfloat16"},
    {ROW("backend", OPTION_TEXT, TRAINER(backend)), .initial = "cpu",
     .help = "cpu, or reference (plain loops; slow, for checks)"},
    {ROW("num_threads", OPTION_TEXT, TRAINER(num_threads_text)), .initial = "auto",
     .help = "compute threads; auto: one per core this process may use"},
    {ROW("max_epochs", OPTION_INT, TRAINER(max_epochs)), .initial = "null", .nullable = true, .null_value = -2,
     .min = -1, .max = 1e9,
     .help = "epochs to train; -1: no limit; default 1000 unless max_steps or max_time is given"},
    {ROW("min_epochs", OPTION_INT, TRAINER(min_epochs)), .initial = "0", .min = 0, .max = 1e9,
     .help = "no early stop before so many epochs"},
    {ROW("max_steps", OPTION_INT, TRAINER(max_steps)), .initial = "-1", .min = -1, .max = 1e15,
     .help = "updates to make; -1: no limit"},
    {ROW("min_steps", OPTION_INT, TRAINER(min_steps)), .initial = "0", .min = 0, .max = 1e15,
     .help = "no early stop before so many updates"},
    {ROW("max_time", OPTION_DURATION, TRAINER(max_time)), .initial = "null", .nullable = true, .null_value = 0,
     .help = "stop after this time (2 h, 00:12:00:00)"},
    {ROW("limit_train_batches", OPTION_AMOUNT, TRAINER(limit_train_batches)), .initial = "1.0", .min = 0, .max = 1e15,
     .help = "batches of an epoch: a count (100) or a share (0.1)"},
    {ROW("limit_val_batches", OPTION_AMOUNT, TRAINER(limit_val_batches)), .initial = "1.0", .min = 0, .max = 1e15,
     .help = "the same for validation; 0: none"},
    {ROW("limit_test_batches", OPTION_AMOUNT, TRAINER(limit_test_batches)), .initial = "1.0", .min = 0, .max = 1e15,
     .help = "the same for test"},
    {ROW("limit_predict_batches", OPTION_AMOUNT, TRAINER(limit_predict_batches)), .initial = "1.0", .min = 0,
     .max = 1e15, .help = "the same for predict"},
    {ROW("val_check_interval", OPTION_AMOUNT, TRAINER(val_check_interval)), .initial = "1.0", .min = 1, .max = 1e15,
     .help = "validate each so many batches, or at this share of an epoch"},
    {ROW("check_val_every_n_epoch", OPTION_INT, TRAINER(check_val_every_n_epoch)), .initial = "1", .min = 1, .max = 1e9,
     .help = "epochs between validations"},
    {ROW("num_sanity_val_steps", OPTION_INT, TRAINER(num_sanity_val_steps)), .initial = "2", .min = -1, .max = 1e9,
     .help = "validation batches tried before training; -1: all"},
    {ROW("gradient_clip_val", OPTION_REAL, TRAINER(gradient_clip_val)), .initial = "null", .nullable = true,
     .null_value = 0, .min = 0, .max = 1e300, .help = "clip gradients to this; null or 0: no clipping"},
    {ROW("gradient_clip_algorithm", OPTION_CHOICE, TRAINER(gradient_clip_algorithm)), .initial = "norm",
     .choices = "norm|value", .help = "clip the global norm, or each value"},
    {ROW("accumulate_grad_batches", OPTION_INT, TRAINER(accumulate_grad_batches)), .initial = "1", .min = 1, .max = 1e6,
     .help = "batches per update, weighted by the samples really seen"},
    {ROW("log_every_n_steps", OPTION_INT, TRAINER(log_every_n_steps)), .initial = "1", .min = 0, .max = 1e9,
     .help = "updates between logged rows; 0: none"},
    {ROW("fast_dev_run", OPTION_TEXT, TRAINER(fast_dev_run_text)), .initial = "false",
     .help = "true or a number: only so many batches of each stage, to see that all works"},
    {ROW("nonfinite", OPTION_TEXT, TRAINER(nonfinite)), .initial = "stop",
     .help = "what a NaN or infinite loss or gradient does: stop, with evidence saved"},
    {ROW("checkpoint_every", OPTION_DURATION, TRAINER(checkpoint_every)), .initial = "10 min", .nullable = true,
     .null_value = 0, .help = "time between refreshes of last.ckpt inside an epoch; null: none"},
    {ROW("default_root_dir", OPTION_TEXT, TRAINER(default_root_dir)), .initial = "runs",
     .help = "folder that run folders are made in"},
    {ROW("profiler", OPTION_TEXT, TRAINER(profiler)), .initial = "null",
     .help = "at the end, profile.txt: simple: a table of where the time went; advanced: also a verdict, a tree down "
             "to kernels "
             "with p95 and rates, the slowest steps, and trace.json for chrome://tracing"},
    {ROW("callbacks", OPTION_SETTING, TRAINER(callbacks)), .initial = "null", .help = "list of callbacks"},
    {ROW("logger", OPTION_TEXTS, TRAINER(logger)), .initial = "[hdf5]", .help = "[hdf5] writes run.h5; [] does not"},
    {ROW("overfit_batches", OPTION_INT, TRAINER(overfit_batches)), .initial = "0", .min = 0, .max = 1e9,
     .help = "not available yet"},
    {ROW("detect_anomaly", OPTION_BOOL, TRAINER(detect_anomaly)), .initial = "false",
     .help = "not needed: non-finite values are always looked for"},
    {ROW("deterministic", OPTION_BOOL, TRAINER(deterministic)), .initial = "true",
     .help = "always true: the same seed gives the same bits"},
};

#define MODEL(field) offsetof(struct model_options_read, field)
static const struct option model_rows[] = {
    {ROW("name", OPTION_TEXT, MODEL(name)), .help = "the model, like efficientnet_b0, resnet18 or cnn"},
    {ROW("weights", OPTION_TEXT, MODEL(weights)), .initial = "null",
     .help = "a .safetensors file (or .ckpt) to start from"},
    {ROW("num_classes", OPTION_INT, MODEL(num_classes)), .initial = "null", .nullable = true, .null_value = 0, .min = 1,
     .max = 1e6, .help = "checked against the data; default: from the data"},
    {ROW("dropout", OPTION_REAL, MODEL(dropout)), .initial = "null", .nullable = true, .null_value = -1, .min = 0,
     .max = 0.999999, .help = "dropout before the classifier; default: the model's own"},
    {ROW("stochastic_depth_prob", OPTION_REAL, MODEL(stochastic_depth_prob)), .initial = "null", .nullable = true,
     .null_value = -1, .min = 0, .max = 0.999999, .help = "of the last block; default: the model's own"},
    {ROW("label_smoothing", OPTION_REAL, MODEL(label_smoothing)), .initial = "0", .min = 0, .max = 1,
     .help = "share of the target spread over all classes"},
    {ROW("freeze", OPTION_TEXTS, MODEL(freeze)), .initial = "[]",
     .help = "patterns of parameters that are not trained, like features.*"},
};

#define DATA(field) offsetof(struct data_options, field)
static const struct option data_rows[] = {
    {ROW("name", OPTION_TEXT, DATA(name)), .initial = "image_folder", .help = "kind of data set"},
    {ROW("data_dir", OPTION_TEXT, DATA(data_dir)), .initial = "null",
     .help = "folder with one subfolder per class, cut by split"},
    {ROW("train_dir", OPTION_TEXT, DATA(train_dir)), .initial = "null", .help = "the same for training alone"},
    {ROW("val_dir", OPTION_TEXT, DATA(val_dir)), .initial = "null", .help = "the same for validation"},
    {ROW("test_dir", OPTION_TEXT, DATA(test_dir)), .initial = "null", .help = "the same for test"},
    {ROW("predict_dir", OPTION_TEXT, DATA(predict_dir)), .initial = "null",
     .help = "pictures to predict when none are named"},
    {ROW("split", OPTION_SETTING, DATA(split_setting)), .initial = "null",
     .help = "{train: 0.8, val: 0.2, seed: 42}: torch's random_split of data_dir"},
    {ROW("batch_size", OPTION_INT, DATA(batch_size)), .initial = "32", .min = 1, .max = 65536,
     .help = "pictures per batch"},
    {ROW("num_workers", OPTION_INT, DATA(num_workers)), .initial = "2", .min = 0, .max = 256,
     .help = "threads that decode; 0: the trainer decodes itself"},
    {ROW("shuffle", OPTION_BOOL, DATA(shuffle)), .initial = "true",
     .help = "a new order of the training pictures each epoch"},
    {ROW("drop_last", OPTION_BOOL, DATA(drop_last)), .initial = "false",
     .help = "leave out a last training batch that is not full"},
    {ROW("on_bad", OPTION_CHOICE, DATA(on_bad)), .initial = "error", .choices = "error|skip",
     .help = "what a picture that cannot be read does"},
    {ROW("max_bad", OPTION_REAL, DATA(max_bad)), .initial = "0.01", .min = 0, .max = 1,
     .help = "skip: stop above this share of bad pictures"},
    {ROW("max_pixels", OPTION_INT, DATA(max_pixels)), .initial = "178956970", .min = 1, .max = 1e12, .unit = "pixels",
     .help = "larger pictures are refused before they are decoded"},
    {ROW("pillow", OPTION_INT, DATA(pillow)), .initial = "13", .min = 12, .max = 13,
     .help = "whose resize is matched to the bit"},
    {ROW("decode", OPTION_CHOICE, DATA(decode)), .initial = "exact", .choices = "exact|fast",
     .help = "exact: the same pixels as Pillow; fast: about the same, sooner"},
    {ROW("cache", OPTION_CHOICE, DATA(cache)), .initial = "none", .choices = "none|decoded",
     .help = "decoded: keep decoded pictures (exact ones) in the user's cache folder"},
    {ROW("train_transforms", OPTION_SETTING, DATA(train_transforms)), .initial = "null",
     .help = "list of transforms, normalize last"},
    {ROW("val_transforms", OPTION_SETTING, DATA(val_transforms)), .initial = "null",
     .help = "the same for validation, test and predict"},
};

#define SPLIT(field) offsetof(struct split_options, field)
static const struct option split_rows[] = {
    {ROW("train", OPTION_REAL, SPLIT(train)), .initial = "0.8", .min = 0, .max = 1, .open_min = true,
     .help = "share to train on"},
    {ROW("val", OPTION_REAL, SPLIT(val)), .initial = "0.2", .min = 0, .max = 1,
     .help = "share to validate on; what is left is for test"},
    {ROW("seed", OPTION_INT, SPLIT(seed)), .initial = "42", .min = 0, .max = 9e15, .help = "seed of torch's generator"},
};

#define METRICS(field) offsetof(struct metric_lists, field)
static const struct option metrics_rows[] = {
    {ROW("train", OPTION_SETTING, METRICS(train)), .initial = "null",
     .help = "metrics of the training batches of an epoch"},
    {ROW("val", OPTION_SETTING, METRICS(val)), .initial = "null", .help = "metrics of a validation"},
    {ROW("test", OPTION_SETTING, METRICS(test)), .initial = "null", .help = "metrics of a test; default: as val"},
};
/* clang-format on */

const struct option_table root_table = {root_rows, sizeof root_rows / sizeof *root_rows};
const struct option_table trainer_table = {trainer_rows, sizeof trainer_rows / sizeof *trainer_rows};
const struct option_table model_table = {model_rows, sizeof model_rows / sizeof *model_rows};
const struct option_table data_table = {data_rows, sizeof data_rows / sizeof *data_rows};
const struct option_table split_table = {split_rows, sizeof split_rows / sizeof *split_rows};
const struct option_table metrics_table = {metrics_rows, sizeof metrics_rows / sizeof *metrics_rows};
