/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/query_log.h"

#include "answer/parse.h"
#include "base/log.h"
#include "control/metrics.h"
#include "wire/reader.h"

#include <stdio.h>

static void write_record(const struct tap_record *record)
{
    static const char *const transports[] = {"udp", "tcp"};
    char client[SETTINGS_ADDRESS_TEXT] = "?";
    char name[NAME_TEXT_MAX] = "?";
    char type[16] = "?";
    char rcode[16] = "none";
    char octets[16];
    const uint8_t *question = tap_query(record) + MESSAGE_HEADER_OCTETS;
    size_t left =
        record->query_octets > MESSAGE_HEADER_OCTETS ? record->query_octets - MESSAGE_HEADER_OCTETS : 0;
    size_t name_octets = left > 0 ? name_check(question, left) : 0;
    if (name_octets > 0 && name_octets + 4 <= left) {
        (void)name_to_text(question, name);
        (void)metrics_type_name(octets_u16(question + name_octets), type);
    }
    if (record->response_kept > 3)
        (void)metrics_rcode_name(tap_response(record)[3] & 15U, rcode);
    if (record->client.sa.sa_family != 0)
        (void)settings_address_to_text(&record->client, client);
    (void)snprintf(octets, sizeof octets, "%u", record->response_octets);
    const struct log_field fields[] = {{"client", client}, {"name", name},
                                       {"type", type},     {"transport", transports[record->transport % 2]},
                                       {"rcode", rcode},   {"octets", octets}};
    log_record(LOG_LEVEL_INFO, "query", fields, sizeof fields / sizeof fields[0]);
}

void query_log_empty(struct tap *tap, struct dnstap *dnstap)
{
    for (unsigned i = 0; i < QUERY_LOG_MOST; i++) {
        const struct tap_record *record = tap_next(tap);
        if (record == NULL)
            return;
        if ((record->purposes & TAP_LOG) != 0)
            write_record(record);
        if ((record->purposes & TAP_DNSTAP) != 0 && dnstap != NULL)
            dnstap_put(dnstap, record);
        tap_done(tap, record);
    }
}
