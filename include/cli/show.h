/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Replies of the daemon (control/control.h) as text for people. Whatever a reply lacks is left out, so that
 * an older or newer daemon can be asked too.
 */
#ifndef HITHER_CLI_SHOW_H
#define HITHER_CLI_SHOW_H

#include "base/finding.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct show {
    FILE *out;
    bool colours;
    int64_t now_unix_s;
};

/* Colours when `out` is a terminal that has them and NO_COLOR isn't set. */
struct show show_to(FILE *out);

void show_status(const struct show *show, const json_t *reply);
void show_why(const struct show *show, const json_t *reply);
void show_zones(const struct show *show, const json_t *reply);

/* drain, resume, reload: the message, the route and the findings. */
void show_done(const struct show *show, const json_t *reply);

/* What `control_findings()` made. */
void show_findings_json(const struct show *show, const json_t *findings);

void show_findings(const struct show *show, const struct findings *findings);

/* "12 s", "3 min", "2 h 5 min", "4 d 2 h". Returns `text`. */
char *show_span(int64_t seconds, char text[32]);

/* "1234567" with commas: "1,234,567". Returns `text`. */
char *show_count(uint64_t number, char text[32]);

#endif
