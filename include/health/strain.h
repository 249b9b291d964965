/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the host and our own process are short of: ADVISORY all of it, for a PoP that is busy or tight still
 * answers, and a route that goes for such a reason sends the same load to the next PoP.
 */
#ifndef HITHER_HEALTH_STRAIN_H
#define HITHER_HEALTH_STRAIN_H

#include "base/shared.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct strain {
    int meminfo_fd; /* below 0: unknown */
    unsigned descriptors;
    unsigned descriptors_most;
    uint64_t memory_kib;
    uint64_t memory_available_kib;
    int64_t worst_lag_ms; /* of any loop, since the last look */
    bool descriptors_short;
    bool memory_short;
    bool lags;
};

void strain_open(struct strain *strain);
void strain_close(struct strain *strain);

/* A loop was late by so much. */
void strain_note_lag(struct strain *strain, int64_t ms);

/* Looks at everything, and logs what has become short or isn't any more. */
void strain_look(struct strain *strain);

/* Adds one object for each to `list`. */
void strain_tell(const struct strain *strain, json_t *list);

#endif
