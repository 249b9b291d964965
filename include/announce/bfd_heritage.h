/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A BFD state machine as text for the program that takes our place, and back: the session goes on with the
 * same discriminators, times and deadlines (CLOCK_MONOTONIC doesn't stop for exec), so the peer sees nothing
 * but a packet that came a little early.
 */
#ifndef HITHER_ANNOUNCE_BFD_HERITAGE_H
#define HITHER_ANNOUNCE_BFD_HERITAGE_H

#include "announce/bfd_fsm.h"

#include <jansson.h>

/* New reference, or NULL when memory is short. */
json_t *bfd_fsm_to_json(const struct bfd_fsm *fsm);

/* With a packet due at `now`, because none could be sent meanwhile. False when `json` isn't a whole machine
 * of a session that runs; `fsm` isn't touched then. */
bool bfd_fsm_from_json(struct bfd_fsm *fsm, const json_t *json, struct mono now);

#endif
