/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What comes to the heartbeats' port. As it is, it is refused unless it is signed. Signed with the fleet's
 * key it is taken by a PoP that wants to withdraw: whatever one such sender says, one voice isn't two.
 */
#include "base/log.h"
#include "health/fleet.h"

#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define TAG_OCTETS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct settings_fleet settings = {
    .enabled = true, .keys.count = 1, .peer_count = 5, .interval_ms = 200, .min_announcers = 2};

static void read_signed(struct fleet *fleet, struct mono now, const uint8_t *data, size_t size)
{
    uint8_t bytes[HEARTBEAT_OCTETS];
    struct heartbeat message;
    if (size > sizeof bytes - TAG_OCTETS)
        return;
    memcpy(bytes, data, size);
    (void)crypto_generichash(bytes + size, TAG_OCTETS, bytes, size, settings.keys.octets[0],
                             HEARTBEAT_KEY_OCTETS);
    if (heartbeat_read(&message, bytes, size + TAG_OCTETS, &settings.keys)) {
        struct writer again = writer_to((uint8_t[HEARTBEAT_OCTETS]){0}, HEARTBEAT_OCTETS);
        heartbeat_write(&again, &message, &settings.keys);
        if (again.failed || message.identity[0] == '\0')
            abort();
    }
    (void)fleet_take(fleet, now, bytes, size + TAG_OCTETS, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct settings_announce announce;
    const struct verdict_report good = {.overall = VERDICT_GOOD};
    const struct verdict_report bad = {.overall = VERDICT_BAD};
    uint8_t bytes[HEARTBEAT_OCTETS];
    struct writer to = writer_to(bytes, sizeof bytes);
    struct heartbeat message;
    struct mono now = {1000000000};
    struct fleet *fleet = fleet_new("us", 0x6f6f6f6f6f6f6f6f);
    if (fleet == NULL)
        return 0;
    log_open("fuzz", LOG_LEVEL_ERROR);
    if (heartbeat_read(&message, data, size, &settings.keys) && size < TAG_OCTETS)
        abort();
    fleet_configure(fleet, now, &settings, &announce);
    fleet_set_heard(fleet, 0, true);
    (void)fleet_set_verdicts(fleet, now, &good);
    for (int i = 0; i < 3; i++) {
        now = mono_add_ms(now, 200);
        (void)fleet_begin(fleet, now);
        fleet_write(fleet, now, 0, &to);
        to = writer_to(bytes, sizeof bytes);
        read_signed(fleet, now, data, size);
        (void)fleet_set_verdicts(fleet, now, &bad);
        fleet_end(fleet);
    }
    if (fleet_decision_of(fleet, 0) == FLEET_OUT || fleet_guard(fleet, &bad).overall != VERDICT_DEGRADED) {
        /* While it asks, what was announced before stands. */
        if (fleet_decision_of(fleet, 0) != FLEET_ASKS)
            abort();
    }
    json_decref(fleet_status(fleet, now));
    fleet_free(fleet);
    return 0;
}
