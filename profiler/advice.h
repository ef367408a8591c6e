/* The verdict: what holds the training up most, in words, and what to do about it. A pure function of numbers that the
 * trainer measured or a log holds. Thread: any. */
#pragma once

#include "data/base/text.h"
#include "profiler/steps.h"

#include <stdbool.h>

enum verdict {
    VERDICT_NONE,         /* too few steps to say */
    VERDICT_COMPUTING,    /* nothing is in the way of the kernels */
    VERDICT_SLOW_READING, /* steps wait for data, workers wait for the disk */
    VERDICT_FEW_WORKERS,  /* steps wait for data, cores stand idle */
    VERDICT_DECODING,     /* steps wait for data, the cores are busy making them */
    VERDICT_TINY_BATCH,   /* what a step costs besides computing, or a kernel besides its work */
    VERDICT_SAVES,        /* checkpoints */
    VERDICT_OTHER_LOAD    /* other programs use the cores */
};

/* What is known besides the steps; zero where it is not. */
struct advice_input {
    const struct steps *steps;
    double read_s, decode_s;       /* of all workers */
    double kernel_s, kernel_calls; /* of all steps */
    int workers;                   /* data.num_workers; -1: unknown */
    int threads, cores;            /* that compute; that there are */
    bool knows_others;
    double others; /* cores that other programs kept busy, in the mean */
    int64_t batch;
};

struct advice {
    enum verdict verdict;
    double lost; /* the share of the time that it costs */
};

/* Judges, and appends one sentence or two. */
struct advice advise(const struct advice_input *input, struct text *out);
