/* Elementwise ops of one input share their shape rule and loops; each op is its function and derivative. Implementers'
 * header. Thread: the kernel's. */
#pragma once

#include "engine/ops/reference.h"

/* out[0] like in[0]; more real saved tensors none. */
enum lt_err elementwise_infer(struct graph *graph, struct node *node);

/* y = f(x). */
void elementwise_forward(const struct call *call, const struct step *step, double (*f)(double x));

/* dx = dy * slope(v), v = in[0] or out[0] as the op needs. */
void elementwise_backward(const struct call *call, const struct step *step, struct tensor v, double (*slope)(double v));
