/* SPDX-License-Identifier: BSD-2-Clause
 *
 * In place of dnstap.c in a build without it.
 */
#include "control/dnstap.h"

#include <stdio.h>

const bool dnstap_is_built = false;

struct dnstap *dnstap_open(const struct settings_dnstap *settings, const char *identity, char *why,
                           size_t why_octets)
{
    (void)settings;
    (void)identity;
    (void)snprintf(why, why_octets, "this build is without dnstap");
    return NULL;
}

void dnstap_put(struct dnstap *dnstap, const struct tap_record *record)
{
    (void)dnstap;
    (void)record;
}

uint64_t dnstap_dropped(const struct dnstap *dnstap)
{
    (void)dnstap;
    return 0;
}

void dnstap_close(struct dnstap *dnstap)
{
    (void)dnstap;
}
