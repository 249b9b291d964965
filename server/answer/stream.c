/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/stream.h"

#include "answer/parse.h"
#include "wire/rdata.h"
#include "zone/difference.h"
#include "zone/expand.h"
#include "zone/format.h"

#include <stdlib.h>
#include <string.h>

#define POINTER         0xc000
#define POINTER_REACH   0x3fff
#define OPT_BARE_OCTETS 11

enum stream_phase {
    STREAM_FIRST_SOA,
    STREAM_BODY,
    STREAM_LAST_SOA,
    STREAM_DONE,
    STREAM_BROKEN,
};

/* Where a stream stands in an image: the record at `offset` octets of the records (or of their signatures) of
 * the `entry`th RRset of a node. */
struct image_place {
    image_ref node;
    unsigned entry;
    bool signature;
    size_t offset;
};

/* Where it stands in the differences. */
struct steps_place {
    size_t step;
    size_t offset;
};

struct answer_stream {
    struct zone_image *image;
    enum stream_phase phase;
    bool steps;
    struct image_place at;
    struct steps_place step_at;
    uint16_t id;
    uint16_t flags;
    const uint32_t *now_s; /* NULL: not signed */
    struct tsig tsig;
    struct tsig_key key; /* a copy: the policy's may be gone by the next message */
    uint8_t opt_octets;  /* 0: the query had none */
    uint8_t opt[OPT_BARE_OCTETS];
    uint16_t question_octets;
    uint8_t question[NAME_MAX_OCTETS]; /* its name, case as it came */
};

/* A message being filled: where it holds the names that owners may point to (0: nowhere). */
struct filling {
    struct writer w;
    const uint8_t *owner; /* the last one written, without the apex */
    size_t owner_octets;
    uint16_t owner_at;
    uint16_t apex_at;
    uint16_t records;
};

/* --- an owner
 * -------------------------------------------------------------------------------------------------- */

static uint16_t within_reach(size_t at)
{
    return at <= POINTER_REACH ? (uint16_t)at : 0;
}

/* Writes the owner that has `octets` before the apex. */
static void put_owner(struct filling *f, const struct image_header *header, const uint8_t *owner,
                      size_t octets)
{
    if (octets + header->apex_octets == 1) {
        writer_u8(&f->w, 0);
        return;
    }
    if (f->owner_at != 0 && f->owner_octets == octets && memcmp(f->owner, owner, octets) == 0) {
        writer_u16(&f->w, (uint16_t)(POINTER | f->owner_at));
        return;
    }
    f->owner = owner;
    f->owner_octets = octets;
    f->owner_at = octets == 0 && f->apex_at != 0 ? f->apex_at : within_reach(writer_offset(&f->w));
    writer_bytes(&f->w, owner, octets);
    if (header->apex_octets > 1 && f->apex_at != 0) {
        writer_u16(&f->w, (uint16_t)(POINTER | f->apex_at));
        return;
    }
    f->apex_at = within_reach(writer_offset(&f->w));
    writer_bytes(&f->w, header->apex_cased, header->apex_octets);
}

/* --- a record of the image
 * ------------------------------------------------------------------------------------- */

static void put_image_record(struct filling *f, const struct image_header *header,
                             const struct image_node *node, const struct rrset_view *view, size_t offset)
{
    put_owner(f, header, node_owner_cased(node), node->owner_octets);
    if (!expand_record(&f->w, header, node, view, offset))
        f->w.failed = true;
}

static void put_soa(struct answer_stream *s, struct filling *f)
{
    const struct image_header *header = s->image->header;
    const struct image_node *apex = image_at(s->image->bytes, header->apex_node);
    const struct image_entry *soa = node_find(apex, RR_SOA);
    if (soa == NULL) {
        f->w.failed = true;
        return;
    }
    const struct rrset_view view = rrset_view(s->image->bytes, soa);
    put_image_record(f, header, apex, &view, 0);
}

/* The SOA frames a transfer, so it isn't told again in between. */
static size_t octets_to_tell(const struct image_node *node, const struct image_entry *entry,
                             const struct rrset_view *view, bool signatures)
{
    if (signatures)
        return view->signature_octets;
    return entry->type == RR_SOA && node->owner_octets == 0 ? 0 : view->octets;
}

/* Goes on to where a record is, if there is none here. False at the end of the image. */
static bool settle(const uint8_t *image, const struct image_header *header, struct image_place *at)
{
    while (at->node < header->nsec3_nodes_end) {
        const struct image_node *node = image_at(image, at->node);
        if (at->entry == node->rrset_count) {
            *at = (struct image_place){.node = image_node_after(image, at->node)};
            continue;
        }
        const struct image_entry *entry = &node_entries(node)[at->entry];
        const struct rrset_view view = rrset_view(image, entry);
        if (at->offset < octets_to_tell(node, entry, &view, at->signature))
            return true;
        at->entry += at->signature ? 1 : 0;
        at->signature = !at->signature;
        at->offset = 0;
    }
    return false;
}

/* The record at the stream's place; moves the place on. */
static void put_from_image(struct answer_stream *s, struct filling *f)
{
    struct image_place *at = &s->at;
    const struct image_node *node = image_at(s->image->bytes, at->node);
    const struct rrset_view view = rrset_view(s->image->bytes, &node_entries(node)[at->entry]);
    const uint8_t *record = (at->signature ? view.signatures : view.records) + at->offset;
    if (at->signature) {
        put_owner(f, s->image->header, node_owner_cased(node), node->owner_octets);
        writer_bytes(&f->w, record + 2, record_octets(record) - 2);
    } else {
        put_image_record(f, s->image->header, node, &view, at->offset);
    }
    if (!f->w.failed)
        at->offset += record_octets(record);
}

/* --- a record of the differences
 * ------------------------------------------------------------------------------- */

static bool settle_step(const struct zone_history *history, struct steps_place *at)
{
    while (at->step < history->count && at->offset == history->steps[at->step]->octets)
        *at = (struct steps_place){.step = at->step + 1};
    return at->step < history->count;
}

static void put_from_steps(struct answer_stream *s, struct filling *f)
{
    const struct zone_difference *step = s->image->history->steps[s->step_at.step];
    const uint8_t *owner = step->records + s->step_at.offset;
    size_t octets = name_octets(owner);
    size_t rest = 10 + (size_t)record_u16(owner + octets + 8);
    put_owner(f, s->image->header, owner, octets - s->image->header->apex_octets);
    writer_bytes(&f->w, owner + octets, rest);
    if (!f->w.failed)
        s->step_at.offset += octets + rest;
}

/* --- a message
 * ------------------------------------------------------------------------------------------------- */

/* Passes over phases in which nothing (more) is to be told. */
static void settle_phase(struct answer_stream *s)
{
    if (s->phase != STREAM_BODY)
        return;
    bool more = s->steps ? settle_step(s->image->history, &s->step_at)
                         : settle(s->image->bytes, s->image->header, &s->at);
    if (!more)
        s->phase = STREAM_LAST_SOA;
}

/* Writes the next record. False, and nothing is written, when it doesn't fit. */
static bool put_next(struct answer_stream *s, struct filling *f)
{
    const struct filling before = *f;
    if (s->phase != STREAM_BODY)
        put_soa(s, f);
    else if (s->steps)
        put_from_steps(s, f);
    else
        put_from_image(s, f);
    if (f->w.failed || f->records == UINT16_MAX) {
        *f = before;
        return false;
    }
    f->records++;
    if (s->phase != STREAM_BODY)
        s->phase++;
    return true;
}

/* What doesn't fit into a message of its own can't be transferred. */
static void fill(struct answer_stream *s, struct filling *f)
{
    settle_phase(s);
    while (s->phase < STREAM_DONE && put_next(s, f))
        settle_phase(s);
    if (s->phase < STREAM_DONE && f->records == 0)
        s->phase = STREAM_BROKEN;
}

uint16_t stream_fill_first(struct answer_stream *s, struct writer *w)
{
    const struct image_header *header = s->image->header;
    struct filling f = {.w = *w};
    /* The question may serve as the apex when the client wrote it as we do. */
    if (s->question_octets == header->apex_octets &&
        memcmp(s->question, header->apex_cased, header->apex_octets) == 0)
        f.apex_at = MESSAGE_HEADER_OCTETS;
    fill(s, &f);
    *w = f.w;
    return f.records;
}

size_t answer_stream_next(struct answer_stream *s, uint8_t *response, size_t capacity)
{
    size_t held_back = s->opt_octets + (s->now_s != NULL ? tsig_octets(&s->tsig) : 0);
    if (s->phase >= STREAM_DONE || capacity < held_back)
        return 0;
    struct filling f = {.w = writer_to(response, capacity - held_back)};
    writer_u16(&f.w, s->id);
    writer_u16(&f.w, s->flags);
    writer_u32(&f.w, 0);
    writer_u32(&f.w, 0);
    fill(s, &f);
    if (s->phase == STREAM_BROKEN)
        writer_set_u16(&f.w, 2, s->flags | RCODE_SERVFAIL);
    writer_set_u16(&f.w, 6, f.records);
    f.w.end += s->opt_octets;
    writer_bytes(&f.w, s->opt, s->opt_octets);
    writer_set_u16(&f.w, 10, s->opt_octets > 0 ? 1 : 0);
    if (f.w.failed || s->now_s == NULL)
        return f.w.failed ? 0 : writer_offset(&f.w);
    return tsig_sign(&s->tsig, response, writer_offset(&f.w), capacity, *s->now_s, false);
}

void stream_sign(struct answer_stream *s, const struct tsig *tsig, const uint32_t *now_s)
{
    s->tsig = *tsig;
    s->key = *tsig->key;
    s->tsig.key = &s->key;
    s->now_s = now_s;
}

/* --- its life
 * -------------------------------------------------------------------------------------------------- */

/* The OPT of the messages behind the first, which has said all there is to say (RFC 5936 2.2.5). */
static void keep_opt(struct answer_stream *s, const struct query *query, const struct edns_reply *reply)
{
    struct edns_reply bare_reply = *reply;
    struct edns bare;
    struct writer w = writer_to(s->opt, sizeof s->opt);
    if (!query->edns.present)
        return;
    edns_none(&bare);
    bare.present = true;
    bare.dnssec_ok = query->edns.dnssec_ok;
    bare_reply.rcode = RCODE_NOERROR;
    bare_reply.error = EDNS_ERROR_NONE;
    edns_put(&w, &bare, &bare_reply);
    s->opt_octets = w.failed ? 0 : (uint8_t)writer_offset(&w);
}

struct answer_stream *stream_begin(const struct query *query, const struct edns_reply *reply,
                                   struct zone_image *image, bool steps, size_t first)
{
    struct answer_stream *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->image = zone_image_hold(image);
    s->steps = steps;
    s->at.node = image->header->nodes;
    s->step_at.step = first;
    s->id = query->id;
    s->flags = (uint16_t)(FLAG_QR | FLAG_AA | (query->flags & FLAG_RD));
    keep_opt(s, query, reply);
    s->question_octets = (uint16_t)(query->question_octets - 4);
    memcpy(s->question, query->message->query + MESSAGE_HEADER_OCTETS, s->question_octets);
    return s;
}

bool stream_is_done(const struct answer_stream *s)
{
    return s->phase >= STREAM_DONE;
}

bool stream_is_broken(const struct answer_stream *s)
{
    return s->phase == STREAM_BROKEN;
}

void answer_stream_close(struct answer_stream *s)
{
    if (s == NULL)
        return;
    zone_image_release(s->image);
    explicit_bzero(&s->key, sizeof s->key);
    free(s);
}
