/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Service parameters of SVCB and HTTPS records: words -> wire form, sorted by key.
 *
 * RFCs: 9460 2.1, 2.2, 7, 8 and appendix A; 9461 (dohpath), 9540 (ohttp); the others of IANA's
 * registry by number, as keyNNNNN.
 */
#ifndef HITHER_ZONE_SVCB_H
#define HITHER_ZONE_SVCB_H

#include "wire/writer.h"
#include "zone/token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Appends the parameters that `count` words spell. NULL, or the reason, and then `at` is the word that is
 * wrong. */
const char *svcb_params_read(const struct zone_token *tokens, size_t count, size_t *at, struct writer *to);

/* NULL when these `octets` are well-formed parameters: keys ascending, values of the known keys right, what
 * is mandatory present. Else the reason. */
const char *svcb_params_judge(const uint8_t *params, size_t octets);

#endif
