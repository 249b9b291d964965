/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Prometheus' text format (exposition format 0.0.4): families, and samples with labels. What is written is in
 * base units, and a label's value is escaped here and nowhere else.
 */
#ifndef HITHER_CONTROL_EXPOSITION_H
#define HITHER_CONTROL_EXPOSITION_H

#include "base/stats.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define EXPOSITION_LABELS 3 /* of one sample, at most */

struct exposition_label {
    const char *name; /* NULL: none */
    const char *value;
};

/* "hither_NAME{...} value"; `labels` ends with the first whose name is NULL. */
struct exposition_sample {
    const char *name;
    struct exposition_label labels[EXPOSITION_LABELS];
};

/* The two lines that begin a family: `type` is counter, gauge or histogram. Everything in it follows. */
void exposition_family(FILE *out, const char *name, const char *type, const char *help);

void exposition_count(FILE *out, const struct exposition_sample *sample, uint64_t value);
void exposition_number(FILE *out, const struct exposition_sample *sample, double value);

/* A family of one sample without labels. */
void exposition_counter(FILE *out, const char *name, const char *help, double value);
void exposition_gauge(FILE *out, const char *name, const char *help, double value);

/* The samples of a histogram whose `i`th bucket goes up to `unit` * 2^i; the last of `count` buckets has no
 * end. One label. */
void exposition_histogram(FILE *out, const char *name, struct exposition_label label,
                          const stat_counter *counts, size_t count, double unit, double sum);

#endif
