/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Query bytes -> answer, on fixed images: plain, signed with NSEC, signed with NSEC3 and opt-out. The first
 * octet chooses the transport. Whatever comes back is judged.
 */
#include "../unit/support/zones.h"
#include "answer/context.h"
#include "answer/query.h"
#include "judge.h"
#include "zone/set.h"

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

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    struct zone_image *images[3];
    if (sodium_init() < 0)
        abort();
    for (size_t i = 0; i < 3; i++)
        images[i] = zones_compile_file(zones[i][0], zones[i][1]);
    zones_publish(images, 3);
    const struct answer_policy policy = {.identity = "fuzz", .identity_octets = 4, .udp_octets = 1232};
    if (answer_policy_publish(&policy) < 0)
        abort();
    urcu_qsbr_register_thread();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
    static uint8_t response[65535];
    if (octets < 1)
        return 0;
    enum answer_transport transport = (data[0] & 1) != 0 ? ANSWER_TCP : ANSWER_UDP;
    size_t answered = zones_answer(data + 1, octets - 1, transport, response);
    if (answered > 0)
        judge_answer(data + 1, octets - 1, response, answered, transport);
    urcu_qsbr_quiescent_state();
    return 0;
}
