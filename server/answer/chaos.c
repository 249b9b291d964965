/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/chaos.h"

#include "wire/rdata.h"
#include "wire/writer.h"

#include <string.h>

static const char version[] = "hither " HITHER_VERSION;

/* The names that have an answer, in folded wire form. */
static const struct {
    const char *name;
    bool identity; /* else the version */
} chaos_names[] = {
    {"\2id\6server", true},
    {"\10hostname\4bind", true},
    {"\7version\6server", false},
    {"\7version\4bind", false},
};

static bool put_text(struct response *response, const char *text, size_t octets)
{
    struct writer w = writer_to(response->at, (size_t)(response->end - response->at));
    writer_u16(&w, 0xc000 | MESSAGE_HEADER_OCTETS);
    writer_u16(&w, RR_TXT);
    writer_u16(&w, CLASS_CH);
    writer_u32(&w, 0);
    writer_u16(&w, (uint16_t)(octets + 1));
    writer_u8(&w, (uint8_t)octets);
    writer_bytes(&w, text, octets);
    if (w.failed)
        return false;
    response->at = w.at;
    response->counts[SECTION_ANSWER]++;
    return true;
}

void chaos_respond(struct response *response, struct query *query)
{
    const struct answer_policy *policy = response->reply.policy;
    for (size_t i = 0; i < sizeof chaos_names / sizeof chaos_names[0]; i++) {
        size_t octets = strlen(chaos_names[i].name) + 1;
        if (query->name.octets != octets || memcmp(query->name.folded, chaos_names[i].name, octets) != 0)
            continue;
        response->flags |= FLAG_AA;
        if (query->qtype != RR_TXT && query->qtype != RR_ANY)
            return;
        bool fits = chaos_names[i].identity ? put_text(response, policy->identity, policy->identity_octets)
                                            : put_text(response, version, sizeof version - 1);
        if (!fits)
            response_truncate(response);
        return;
    }
    query->rcode = RCODE_REFUSED;
}
