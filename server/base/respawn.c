/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/respawn.h"

int64_t respawn_pause_ms(struct respawn *respawn, struct mono started, struct mono died)
{
    int64_t pause_ms = RESPAWN_FIRST_MS;
    if (mono_ms_between(started, died) >= RESPAWN_CALM_MS)
        respawn->row = 0;
    respawn->row++;
    if (respawn->row == 1)
        return 0;
    for (unsigned i = 2; i < respawn->row && pause_ms < RESPAWN_MOST_MS; i++)
        pause_ms *= 2;
    return pause_ms < RESPAWN_MOST_MS ? pause_ms : RESPAWN_MOST_MS;
}
