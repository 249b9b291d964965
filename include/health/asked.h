/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which zones a round of probes asks for, and what it means for a prefix when some of them have no good
 * answer. There may be far more zones than one round can ask for, so they take turns; but one that was
 * answered badly is asked for again in every round until it is well, or the table of zones is another one.
 */
#ifndef HITHER_HEALTH_ASKED_H
#define HITHER_HEALTH_ASKED_H

#include "health/probe.h"
#include "health/zones.h"

#define ASKED_DOUBTFUL_MOST 16 /* zones out of turn in one round */

/* Zero-initialised is ready. */
struct asked {
    uint32_t sequence; /* of the table they come from */
    size_t cursor;
    int count; /* 0: id.server is asked for */
    struct zones_entry zones[PROBE_ZONES_MOST];
    int doubtful_count;
    struct zones_entry doubtful[ASKED_DOUBTFUL_MOST];
};

/* Chooses the zones of a round. */
void asked_choose(struct asked *asked, const struct shared_up *up);

/* The round is over: `refused` are its zones (1 << index) with a bad answer. */
void asked_note(struct asked *asked, uint64_t refused);

/* Whether not one of the round's zones is answered well. */
bool asked_all_refused(const struct asked *asked, uint64_t refused);

/* What the refused zones mean for the prefix of `group`: the prefix's own are lost, others may be so
 * everywhere. `takes_common` as for zones_judge(). */
struct asked_effect {
    bool own;
    bool common;
};
struct asked_effect asked_judge(const struct asked *asked, uint64_t refused, size_t group, bool takes_common);

#endif
