#include "profiler/advice.h"

#include <inttypes.h>
#include <math.h>

enum { STEPS_MIN = 3 };
static const double worth_saying = 0.10;   /* of the time */
static const double kernel_start_s = 4e-6; /* what it costs to wake and gather the threads of one kernel */

/* ---- what is lost to each ---- */

static double share(const struct advice_input *input, enum span_phase phase)
{
    return input->steps->phase_ms[phase] / input->steps->wall_ms;
}

/* What a step takes however few its pictures are. */
static double lost_to_overhead(const struct advice_input *input)
{
    const struct steps *steps = input->steps;
    double lost = share(input, SPAN_OTHER) + share(input, SPAN_CALLBACKS) + share(input, SPAN_LOG) +
                  share(input, SPAN_TRANSFER) + share(input, SPAN_OPTIMIZER);
    if (input->kernel_calls > 0) {
        const double between = steps->phase_ms[SPAN_FORWARD] + steps->phase_ms[SPAN_BACKWARD] - input->kernel_s * 1e3;
        const double starts = input->kernel_calls * fmin(kernel_start_s, input->kernel_s / input->kernel_calls);
        lost += (fmax(0, between) + starts * 1e3) / steps->wall_ms;
    }
    return lost;
}

/* Of the time that computing was to have the cores: how much the process did not get. */
static double cores_missed(const struct advice_input *input)
{
    const struct steps *steps = input->steps;
    const double computing = step_compute_ms(steps->phase_ms);
    if (steps->known == 0 || computing <= 0) return 0;
    const double cpu = steps->cpu_ms * (double)steps->count / (double)steps->known;
    return fmin(1, fmax(0, 1 - cpu / (computing * input->threads)));
}

/* Computing is the same work each time: what its mean takes above an undisturbed step was taken by others. Threads of
 * our own that are more than there are cores disturb each other, and are no other load unless cores are missed. */
static double lost_to_others(const struct advice_input *input)
{
    const struct steps *steps = input->steps;
    const double compute_ms = step_compute_ms(steps->phase_ms);
    const double best_ms = steps_best_compute_ms(steps) * (double)steps->count;
    const double slowed = fmax(0, compute_ms - best_ms) / steps->wall_ms;
    if (steps->known == 0)
        return histogram_quantile(&steps->compute, 0.95) > 1.5 * histogram_quantile(&steps->compute, 0.5) ? slowed : 0;
    const double switches = steps->switches / (double)steps->known / (compute_ms / (double)steps->count) * 1e3;
    const double missed = cores_missed(input);
    const bool crowded = input->threads + (input->workers > 0 ? input->workers : 0) > input->cores;
    if (switches < 10 * input->threads || (crowded && missed < 0.1)) return 0;
    const double lost = fmax(slowed, missed * compute_ms / steps->wall_ms);
    return input->knows_others ? fmin(lost, input->others) : lost; /* nobody takes more than what he uses */
}

/* ---- sentences ---- */

static enum verdict say_data(const struct advice_input *input, double lost, struct text *out)
{
    const double made = input->read_s + input->decode_s;
    const int idle = input->cores - (input->workers > 0 ? input->workers : 0);
    text_add(out, "Input-bound: %.0f %% of the time a step waits for data", 100 * lost);
    if (made > 0 && input->read_s > 0.5 * made) {
        text_add(out,
                 ", and %.0f %% of the workers' time is reading files. Put the pictures on a faster disk, or keep them "
                 "in memory with data.cache: decoded.",
                 100 * input->read_s / made);
        return VERDICT_SLOW_READING;
    }
    if (input->workers >= 0 && idle > 0) {
        text_add(out, " from %d worker%s on %d cores. Raise data.num_workers to %d.", input->workers,
                 input->workers == 1 ? "" : "s", input->cores, input->cores);
        return VERDICT_FEW_WORKERS;
    }
    text_add(out, ": decoding cannot keep up. Use data.cache: decoded, data.decode: fast, smaller pictures or cheaper "
                  "transforms.");
    return VERDICT_DECODING;
}

static enum verdict say_overhead(const struct advice_input *input, double lost, struct text *out)
{
    const struct steps *steps = input->steps;
    text_add(out, "Tiny steps: %.0f %% of the time is what a step costs however few its pictures", 100 * lost);
    text_add(out, " (updating parameters%s), at %.3g ms a step", input->kernel_calls > 0 ? ", starting kernels" : "",
             steps->wall_ms / (double)steps->count);
    if (input->batch > 0) text_add(out, " of %" PRId64 " picture%s", input->batch, input->batch > 1 ? "s" : "");
    text_add(out, ". Raise data.batch_size%s.",
             share(input, SPAN_CALLBACKS) + share(input, SPAN_LOG) > 0.5 * lost
                 ? ", trainer.log_every_n_steps, or the every_n_steps of callbacks"
                 : "");
    return VERDICT_TINY_BATCH;
}

static enum verdict say_saves(const struct advice_input *input, double lost, struct text *out)
{
    (void)input;
    text_add(out,
             "Save stalls: %.0f %% of the time goes into checkpoints. Save less often (trainer.checkpoint_every, "
             "model_checkpoint's every_n_epochs, save_top_k), or on a faster disk.",
             100 * lost);
    return VERDICT_SAVES;
}

static enum verdict say_others(const struct advice_input *input, double lost, struct text *out)
{
    text_add(out, "Other load: about %.0f %% of the time is lost to other programs", 100 * lost);
    if (input->cores > 0) text_add(out, " on these %d cores", input->cores);
    if (input->steps->known == 0) text_add(out, ", or to a processor that slows down");
    text_add(out, ". End them, or give the training cores of its own (taskset, a batch system).");
    return VERDICT_OTHER_LOAD;
}

static enum verdict say_computing(const struct advice_input *input, struct text *out)
{
    text_add(out, "Computing: %.0f %% of the time is forward, backward and optimizer",
             100 * step_compute_ms(input->steps->phase_ms) / input->steps->wall_ms);
    if (share(input, SPAN_VALIDATION) > worth_saying)
        text_add(out, ", %.0f %% validation", 100 * share(input, SPAN_VALIDATION));
    text_add(out, ". Nothing stands in its way; trainer.precision: bf16-mixed may be faster.");
    return VERDICT_COMPUTING;
}

struct advice advise(const struct advice_input *input, struct text *out)
{
    if (input->steps->count < STEPS_MIN || input->steps->wall_ms <= 0) {
        text_add(out, "Too few steps to say what holds the training up.");
        return (struct advice){VERDICT_NONE, 0};
    }
    const struct {
        double lost;
        enum verdict (*say)(const struct advice_input *input, double lost, struct text *out);
    } cases[] = {{share(input, SPAN_DATA), say_data},
                 {share(input, SPAN_CHECKPOINT), say_saves},
                 {lost_to_others(input), say_others},
                 {lost_to_overhead(input), say_overhead}};
    int worst = 0;
    for (int i = 1; i < (int)(sizeof cases / sizeof *cases); i++)
        if (cases[i].lost > cases[worst].lost) worst = i;
    if (cases[worst].lost < worth_saying) return (struct advice){say_computing(input, out), 0};
    return (struct advice){cases[worst].say(input, cases[worst].lost, out), cases[worst].lost};
}
