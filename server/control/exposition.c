/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/exposition.h"

#include <inttypes.h>

void exposition_family(FILE *out, const char *name, const char *type, const char *help)
{
    (void)fprintf(out, "# HELP hither_%s %s\n# TYPE hither_%s %s\n", name, help, name, type);
}

/* With what the format wants escaped: backslash, quote, line end. */
static void put_value(FILE *out, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '\\' || *value == '"' || *value == '\n')
            (void)fputc('\\', out);
        (void)fputc(*value == '\n' ? 'n' : *value, out);
    }
}

static void put_label(FILE *out, const struct exposition_label *label, bool first)
{
    (void)fprintf(out, "%s%s=\"", first ? "{" : ",", label->name);
    put_value(out, label->value != NULL ? label->value : "");
    (void)fputc('"', out);
}

static void put_labels(FILE *out, const struct exposition_label *labels)
{
    size_t i = 0;
    for (; i < EXPOSITION_LABELS && labels[i].name != NULL; i++)
        put_label(out, &labels[i], i == 0);
    if (i > 0)
        (void)fputc('}', out);
}

static void put_name(FILE *out, const struct exposition_sample *sample)
{
    (void)fprintf(out, "hither_%s", sample->name);
    put_labels(out, sample->labels);
}

void exposition_count(FILE *out, const struct exposition_sample *sample, uint64_t value)
{
    put_name(out, sample);
    (void)fprintf(out, " %" PRIu64 "\n", value);
}

void exposition_number(FILE *out, const struct exposition_sample *sample, double value)
{
    put_name(out, sample);
    (void)fprintf(out, " %.16g\n", value);
}

void exposition_counter(FILE *out, const char *name, const char *help, double value)
{
    exposition_family(out, name, "counter", help);
    exposition_number(out, &(struct exposition_sample){.name = name}, value);
}

void exposition_gauge(FILE *out, const char *name, const char *help, double value)
{
    exposition_family(out, name, "gauge", help);
    exposition_number(out, &(struct exposition_sample){.name = name}, value);
}

void exposition_histogram(FILE *out, const char *name, struct exposition_label label,
                          const stat_counter *counts, size_t count, double unit, double sum)
{
    uint64_t total = 0;
    char bucket[64];
    char part[64];
    (void)snprintf(bucket, sizeof bucket, "%s_bucket", name);
    for (size_t i = 0; i < count; i++) {
        char end[32] = "+Inf";
        total += stat_read(&counts[i]);
        if (i + 1 < count)
            (void)snprintf(end, sizeof end, "%.6g", unit * (double)(UINT64_C(1) << i));
        exposition_count(out, &(struct exposition_sample){bucket, {label, {"le", end}}}, total);
    }
    (void)snprintf(part, sizeof part, "%s_sum", name);
    exposition_number(out, &(struct exposition_sample){part, {label}}, sum);
    (void)snprintf(part, sizeof part, "%s_count", name);
    exposition_count(out, &(struct exposition_sample){part, {label}}, total);
}
