/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Query bytes -> answer, on fixed images: plain, signed with NSEC, signed with NSEC3 and opt-out. The first
 * octet chooses the transport, and how large the messages of a transfer may be. Everybody may transfer, and
 * there is a key, so that signed queries from the corpus hold. Whatever comes back is judged, of a transfer
 * every message; and what the short way to an answer gives is compared with what the long one does.
 */
#include "../unit/support/lanes.h"
#include "../unit/support/zones.h"
#include "answer/context.h"
#include "answer/query.h"
#include "judge.h"
#include "zone/difference.h"
#include "zone/set.h"

#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets);

static const char *const zones[][2] = {
    {"example.", "example.zone"},
    {"nsec.example.", "signed-nsec.zone"},
    {"nsec3.example.", "signed-nsec3.zone"},
};

#define NOW_S         1800000000 /* when the signed queries of the corpus were made */
#define SMALL_OCTETS  700
#define MESSAGES_MOST 1000

/* The zones, each handed on to everybody. */
static void publish(struct zone_image **images, size_t count)
{
    struct zone_set *set = zone_set_new(images, count);
    struct zone_peers *peers = zone_peers_new(1, 0);
    if (set == NULL || peers == NULL)
        abort();
    peers->grants[0].family = AF_INET;
    for (size_t i = 0; i < count; i++) {
        zone_set_give(set, images[i], peers);
        zone_image_release(images[i]);
    }
    zone_peers_release(peers);
    zone_set_publish(set);
}

/* A version before: `name` with a serial of 1 and little else. */
static void give_history(struct zone_image *image, const char *name)
{
    struct zone_image *before =
        zones_compile(name, "@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n");
    zone_history_continue(image, before);
    zone_image_release(before);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct zone_image *images[3];
    if (sodium_init() < 0)
        abort();
    for (size_t i = 0; i < 3; i++)
        images[i] = zones_compile_file(zones[i][0], zones[i][1]);
    for (size_t i = 0; i < 3; i++)
        give_history(images[i], zones[i][0]);
    publish(images, 3);
    static struct answer_policy policy = {.identity = "fuzz", .identity_octets = 4, .udp_octets = 1232};
    policy.keys.count = 1;
    (void)name_from_text(policy.keys.list[0].name, "key.");
    policy.keys.list[0].algorithm = TSIG_HMAC_SHA256;
    policy.keys.list[0].secret_octets = 16;
    memset(policy.keys.list[0].secret, 'k', 16);
    if (answer_policy_publish(&policy) < 0)
        abort();
    urcu_qsbr_register_thread();
    return 0;
}

static void judge_stream(const uint8_t *data, size_t octets, struct answer_stream *stream, uint8_t *response)
{
    size_t capacity = (data[0] & 2) != 0 ? SMALL_OCTETS : 65535;
    size_t answered = 0;
    for (unsigned i = 0; (answered = answer_stream_next(stream, response, capacity)) > 0; i++) {
        if (answered > capacity || i == MESSAGES_MOST)
            abort();
        judge_answer(data + 1, octets - 1, response, answered, ANSWER_TCP);
    }
    answer_stream_close(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
    static uint8_t response[65535];
    static struct worker_stats stats;
    static const struct sockaddr_in client = {.sin_family = AF_INET};
    struct answer_context context = {.stats = &stats, .now_s = NOW_S};
    if (octets < 1)
        return 0;
    enum answer_transport transport = (data[0] & 1) != 0 ? ANSWER_TCP : ANSWER_UDP;
    struct answer_message message = {.query = data + 1,
                                     .query_octets = octets - 1,
                                     .client = (const struct sockaddr *)&client,
                                     .response = response,
                                     .response_capacity = (data[0] & 2) != 0 ? 1232 : sizeof response};
    answer_batch(&context, transport, &message, 1);
    if (message.response_octets > 0)
        judge_answer(data + 1, octets - 1, response, message.response_octets, transport);
    if (message.stream != NULL)
        judge_stream(data, octets, message.stream, response);
    if (lanes_compare(data + 1, octets - 1, transport) == LANES_DIFFERENT)
        abort();
    urcu_qsbr_quiescent_state();
    return 0;
}
