/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The query walk without sockets: loads a zone, makes queries in memory, and answers them batch by batch,
 * over and over. What bench/micro/count runs under callgrind to count instructions, and what a profiler may
 * be pointed at.
 *
 *     replay ZONE-FILE APEX QUERIES TIMES
 *     -> queries=N octets=N rcode=N answer=N authority=N additional=N
 *
 * QUERIES holds lines "NAME TYPE [edns|do|cookie]". What is printed of the answers are sums over one pass, so
 * that a caller sees whether the answers were of the kind that it means to count; rcode is the highest one.
 */
#include "answer/context.h"
#include "answer/limit.h"
#include "answer/query.h"
#include "base/log.h"
#include "wire/name.h"
#include "wire/writer.h"
#include "zone/load.h"
#include "zone/set.h"

#include <ldns/ldns.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

#define QUERIES_MOST    4096
#define QUERY_OCTETS    300
#define RESPONSE_OCTETS 1232
#define HEADER_OCTETS   12
#define FLAG_DO         0x8000
#define COOKIE_OCTETS   8 /* a client's */

struct replay {
    uint8_t queries[QUERIES_MOST][QUERY_OCTETS];
    uint8_t responses[ANSWER_BATCH][RESPONSE_OCTETS];
    struct answer_message messages[QUERIES_MOST];
    size_t count;
    struct sockaddr_in client;
};

struct totals {
    size_t octets;
    unsigned rcode;
    size_t records[3];
};

/* OPT: no options, or with "cookie" a client's cookie alone (RFC 7873). */
static void opt_put(struct writer *w, const char *edns)
{
    bool cookie = strcmp(edns, "cookie") == 0;
    writer_u8(w, 0);
    writer_u16(w, LDNS_RR_TYPE_OPT);
    writer_u16(w, RESPONSE_OCTETS);
    writer_u16(w, 0);
    writer_u16(w, strcmp(edns, "do") == 0 ? FLAG_DO : 0);
    writer_u16(w, cookie ? 4 + COOKIE_OCTETS : 0);
    if (cookie) {
        writer_u16(w, LDNS_EDNS_COOKIE);
        writer_u16(w, COOKIE_OCTETS);
        writer_bytes(w, "8 octets", COOKIE_OCTETS);
    }
}

/* One query from a line of the file. Its octets, or 0 when the line makes none. */
static size_t query_make(uint8_t query[QUERY_OCTETS], const char *line)
{
    char name[NAME_TEXT_MAX], type[16], edns[8] = "";
    uint8_t wire[NAME_MAX_OCTETS];
    if (sscanf(line, "%1023s %15s %7s", name, type, edns) < 2)
        return 0;
    size_t octets = name_from_text(wire, name);
    bool has_edns = edns[0] != '\0';

    struct writer w = writer_to(query, QUERY_OCTETS);
    const uint16_t header[HEADER_OCTETS / 2] = {0x4834, 0, 1, 0, 0, has_edns ? 1 : 0};
    for (size_t i = 0; i < HEADER_OCTETS / 2; i++)
        writer_u16(&w, header[i]);
    writer_bytes(&w, wire, octets);
    writer_u16(&w, (uint16_t)ldns_get_rr_type_by_name(type));
    writer_u16(&w, LDNS_RR_CLASS_IN);
    if (has_edns)
        opt_put(&w, edns);
    return octets == 0 || w.failed ? 0 : writer_offset(&w);
}

static bool replay_read(struct replay *replay, const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    char line[NAME_TEXT_MAX + 64];
    bool sound = true;
    while (sound && replay->count < QUERIES_MOST && fgets(line, sizeof line, file) != NULL) {
        size_t i = replay->count++;
        size_t octets = query_make(replay->queries[i], line);
        sound = octets > 0;
        replay->messages[i] = (struct answer_message){
            .query = replay->queries[i],
            .query_octets = octets,
            .client = (const struct sockaddr *)&replay->client,
            .response = replay->responses[i % ANSWER_BATCH],
            .response_capacity = RESPONSE_OCTETS,
        };
    }
    fclose(file);
    return sound && replay->count > 0;
}

static struct zone_image *image_load(const char *path, const char *apex_text)
{
    uint8_t apex[NAME_MAX_OCTETS];
    struct findings findings = {0};
    if (name_from_text(apex, apex_text) == 0)
        return NULL;
    struct zone_image *image = zone_load(apex, path, NULL, &findings, NULL);
    findings_log(&findings);
    findings_free(&findings);
    return image;
}

/* Makes the zone the one that is answered from. */
static bool zone_publish(struct zone_image *image)
{
    struct answer_policy policy = {
        .identity = "replay",
        .identity_octets = 6,
        .udp_octets = RESPONSE_OCTETS,
        .cookies = {.count = 1}, /* a secret of zeros serves here */
    };
    struct zone_set *set = zone_set_new(&image, 1);
    if (set == NULL || answer_policy_publish(&policy) != 0)
        return false;
    zone_set_publish(set);
    return true;
}

static void totals_add(struct totals *totals, const struct answer_message *message)
{
    const uint8_t *response = message->response;
    if (message->response_octets < HEADER_OCTETS)
        return;
    totals->octets += message->response_octets;
    unsigned rcode = response[3] & 15;
    if (rcode > totals->rcode)
        totals->rcode = rcode;
    for (size_t i = 0; i < 3; i++)
        totals->records[i] += (size_t)(response[6 + 2 * i] << 8 | response[7 + 2 * i]);
}

static size_t batch_count(const struct replay *replay, size_t first)
{
    size_t left = replay->count - first;
    return left < ANSWER_BATCH ? left : ANSWER_BATCH;
}

/* What callgrind counts in, however the linker inlines what it calls. */
static __attribute__((noinline)) void replay_batch(struct answer_context *context,
                                                   struct answer_message *messages, size_t count)
{
    answer_batch(context, ANSWER_UDP, messages, count);
}

static struct totals replay_pass(struct replay *replay, struct answer_context *context)
{
    struct totals totals = {0};
    for (size_t first = 0; first < replay->count; first += ANSWER_BATCH) {
        size_t count = batch_count(replay, first);
        context->now_ms++;
        replay_batch(context, replay->messages + first, count);
        for (size_t i = first; i < first + count; i++)
            totals_add(&totals, &replay->messages[i]);
        rcu_quiescent_state();
    }
    return totals;
}

/* Clients are counted as ever, and none has too much. */
static bool limit_generously(void)
{
    struct answer_policy policy = {.udp_octets = 1232, .limit = {.ipv4_mask = 0xffffff00, .slip = 2}};
    limit_policy_set_rate(&policy.limit, 1000000000, 1);
    return answer_policy_publish(&policy) == 0;
}

int main(int argc, char **argv)
{
    static struct replay replay;
    static struct worker_stats stats;
    if (argc != 5) {
        fprintf(stderr, "usage: %s ZONE-FILE APEX QUERIES TIMES\n", argv[0]);
        return 2;
    }
    log_open("replay", LOG_LEVEL_ERROR);
    replay.client = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (!replay_read(&replay, argv[3])) {
        fprintf(stderr, "%s: no sound queries in %s\n", argv[0], argv[3]);
        return 1;
    }
    struct zone_image *image = image_load(argv[1], argv[2]);
    if (image == NULL || !zone_publish(image)) {
        fprintf(stderr, "%s: can't serve %s\n", argv[0], argv[1]);
        return 1;
    }

    struct bucket_table *buckets = bucket_table_new();
    struct answer_context context = {.stats = &stats, .now_s = 1, .limiter = limiter_new(buckets)};
    if (buckets == NULL || context.limiter == NULL || !limit_generously())
        return 1;
    struct totals totals = {0};
    rcu_register_thread();
    for (long i = strtol(argv[4], NULL, 10); i > 0; i--)
        totals = replay_pass(&replay, &context);
    rcu_unregister_thread();
    printf("queries=%zu octets=%zu rcode=%u answer=%zu authority=%zu additional=%zu\n", replay.count,
           totals.octets, totals.rcode, totals.records[0], totals.records[1], totals.records[2]);

    zone_set_publish(NULL);
    zone_image_release(image);
    limiter_free(context.limiter);
    bucket_table_free(buckets);
    return 0;
}
