/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/tap.h"

#include "answer/parse.h"

#include <string.h>
#include <time.h>

static bool is_in(const struct settings_prefix *prefix, const struct sockaddr *client)
{
    const uint8_t *octets;
    if (client == NULL || client->sa_family != prefix->family)
        return false;
    if (prefix->family == AF_INET)
        octets = (const uint8_t *)&((const struct sockaddr_in *)(const void *)client)->sin_addr;
    else
        octets = (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)client)->sin6_addr;
    unsigned whole = prefix->bits / 8;
    unsigned rest = prefix->bits % 8;
    if (memcmp(octets, prefix->octets, whole) != 0)
        return false;
    return rest == 0 || ((octets[whole] ^ prefix->octets[whole]) & (0xff00U >> rest & 0xff)) == 0;
}

bool tap_matches(const struct settings_query_rule *rule, const struct sockaddr *client, const uint8_t *query,
                 size_t query_octets, unsigned rcode)
{
    if (rule->rcode != TAP_ANY_RCODE && rule->rcode != rcode)
        return false;
    if (rule->client.family != 0 && !is_in(&rule->client, client))
        return false;
    if (rule->zone[0] == 0)
        return true;
    return query_octets > MESSAGE_HEADER_OCTETS &&
           name_check(query + MESSAGE_HEADER_OCTETS, query_octets - MESSAGE_HEADER_OCTETS) > 0 &&
           name_is_at_or_below(query + MESSAGE_HEADER_OCTETS, rule->zone);
}

/* For what the message is wanted: the first rule that means it decides about the log. */
static unsigned purposes_of(struct tap *tap, const struct tap_rules *rules,
                            const struct answer_message *message)
{
    unsigned purposes = 0;
    unsigned rcode = message->response_octets > 3 ? message->response[3] & 15U : TAP_ANY_RCODE - 1;
    if (rules->dnstap_sample > 0 && tap->seen++ % rules->dnstap_sample == 0)
        purposes |= TAP_DNSTAP;
    for (unsigned i = 0; i < rules->count; i++) {
        if (!tap_matches(&rules->rules[i], message->client, message->query, message->query_octets, rcode))
            continue;
        if (tap->matched[i]++ % rules->rules[i].sample == 0)
            purposes |= TAP_LOG;
        break;
    }
    return purposes;
}

/* Room for `octets` in one piece; NULL when the reader is behind. */
static uint8_t *ring_room(struct tap *tap, size_t octets, uint64_t *at)
{
    uint64_t read = atomic_load_explicit(&tap->read, memory_order_acquire);
    *at = atomic_load_explicit(&tap->written, memory_order_relaxed);
    size_t offset = *at % TAP_RING_OCTETS;
    size_t left = TAP_RING_OCTETS - offset;
    size_t skip = left < octets ? left : 0;
    if (*at + skip + octets - read > TAP_RING_OCTETS)
        return NULL;
    if (skip >= sizeof(struct tap_record))
        memset(tap->ring + offset, 0, sizeof(struct tap_record)); /* no purpose: go on at the start */
    *at += skip;
    return tap->ring + *at % TAP_RING_OCTETS;
}

static void take(struct tap *tap, unsigned purposes, enum answer_transport transport,
                 const struct answer_message *message, int64_t unix_ns)
{
    size_t kept = message->response_octets;
    uint64_t at;
    if ((purposes & TAP_DNSTAP) == 0 && kept > MESSAGE_HEADER_OCTETS)
        kept = MESSAGE_HEADER_OCTETS;
    size_t octets = (sizeof(struct tap_record) + message->query_octets + kept + 7) & ~(size_t)7;
    uint8_t *room = ring_room(tap, octets, &at);
    if (room == NULL) {
        stat_add(&tap->dropped, 1);
        return;
    }
    struct tap_record record = {.octets = (uint32_t)octets,
                                .purposes = (uint8_t)purposes,
                                .transport = (uint8_t)transport,
                                .query_octets = (uint16_t)message->query_octets,
                                .response_octets = (uint32_t)message->response_octets,
                                .response_kept = (uint32_t)kept,
                                .unix_ns = unix_ns};
    if (message->client != NULL)
        memcpy(&record.client, message->client,
               message->client->sa_family == AF_INET6 ? sizeof record.client.in6 : sizeof record.client.in4);
    memcpy(room, &record, sizeof record);
    memcpy(room + sizeof record, message->query, message->query_octets);
    memcpy(room + sizeof record + message->query_octets, message->response, kept);
    atomic_store_explicit(&tap->written, at + octets, memory_order_release);
}

void tap_take(struct tap *tap, const struct tap_rules *rules, enum answer_transport transport,
              const struct answer_message *messages, size_t count)
{
    struct timespec now = {0};
    for (size_t i = 0; i < count; i++) {
        unsigned purposes = purposes_of(tap, rules, &messages[i]);
        if (purposes == 0)
            continue;
        if (now.tv_sec == 0)
            (void)clock_gettime(CLOCK_REALTIME, &now);
        take(tap, purposes, transport, &messages[i], (int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
    }
}

const struct tap_record *tap_next(struct tap *tap)
{
    uint64_t at = atomic_load_explicit(&tap->read, memory_order_relaxed);
    uint64_t written = atomic_load_explicit(&tap->written, memory_order_acquire);
    while (at != written) {
        size_t left = TAP_RING_OCTETS - at % TAP_RING_OCTETS;
        const struct tap_record *record = (const void *)(tap->ring + at % TAP_RING_OCTETS);
        if (left >= sizeof *record && record->purposes != 0)
            return record;
        at += left;
        atomic_store_explicit(&tap->read, at, memory_order_release);
    }
    return NULL;
}

void tap_done(struct tap *tap, const struct tap_record *record)
{
    uint64_t at = atomic_load_explicit(&tap->read, memory_order_relaxed);
    atomic_store_explicit(&tap->read, at + record->octets, memory_order_release);
}
