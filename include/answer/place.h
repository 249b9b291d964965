/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An RRset as it is in the image -> octets of a message, its pointers set to where the message holds the
 * names that they lead to. What fits, and in which section it goes, is for whoever calls.
 *
 * RFCs: 1035 4.1.4.
 */
#ifndef HITHER_ANSWER_PLACE_H
#define HITHER_ANSWER_PLACE_H

#include "wire/reader.h"
#include "wire/writer.h"
#include "zone/format.h"

#include <string.h>

#define PLACE_POINTER 0xc000
#define PLACE_REACH   0x3fff /* octets that a pointer reaches over */

/* Octets of the message where the owner, the apex and the RRset itself stand: what relocations count from. */
struct place_bases {
    uint16_t at[3]; /* by enum relocation_base, shifted */
};

/* Lets the owners of the records that lie between `at` and `end` point to octet `owner_at`. */
static inline void place_owners(uint8_t *at, const uint8_t *end, unsigned owner_at)
{
    while (at < end) {
        octets_set_u16(at, PLACE_POINTER | owner_at);
        at += 12 + octets_u16(at + 10);
    }
}

/* Sets the pointers that `count` relocations tell of, of an RRset whose octet `from` stands at `at`. */
static inline void place_relocate(uint8_t *at, size_t from, const struct image_relocation *relocations,
                                  size_t count, const struct place_bases *bases)
{
    for (size_t i = 0; i < count; i++) {
        const struct image_relocation *r = &relocations[i];
        unsigned target = bases->at[r->to >> 14] + (r->to & (unsigned)~RELOCATION_BASE);
        octets_set_u16(at + r->at - from, PLACE_POINTER | target);
    }
}

/* Octets of the owner when it ends in a pointer to the apex at octet `apex_at`, or, where that stands nowhere
 * (0), is whole. */
static inline size_t place_owner_octets(const struct image_header *header, const struct image_node *node,
                                        unsigned apex_at)
{
    bool pointer = apex_at != 0 && header->apex_octets > 1;
    return node->owner_octets + (pointer ? 2U : header->apex_octets);
}

/* Spells that owner; the octet behind it. */
static inline uint8_t *place_owner(uint8_t *at, const struct image_header *header,
                                   const struct image_node *node, unsigned apex_at)
{
    memcpy(at, node_owner_cased(node), node->owner_octets);
    at += node->owner_octets;
    if (apex_at == 0 || header->apex_octets == 1) {
        memcpy(at, header->apex_cased, header->apex_octets);
        return at + header->apex_octets;
    }
    octets_set_u16(at, PLACE_POINTER | apex_at);
    return at + 2;
}

/* Octets of the RRset, with its RRSIGs when `signatures`. */
static inline size_t place_octets(const struct rrset_view *view, bool signatures)
{
    return view->octets + (signatures ? (size_t)view->signature_octets : 0);
}

/* Puts an RRset without relocations, `octets` at `records`, at octet `owner_at` of the message, its owner
 * spelt out; the records that follow the first point back to that. The octet behind them:
 * place_owner_octets() + `octets` - 2 farther. */
static inline uint8_t *place_spelt(uint8_t *at, size_t owner_at, const struct image_header *header,
                                   const struct image_node *node, unsigned apex_at, const uint8_t *records,
                                   size_t octets)
{
    uint8_t *to = place_owner(at, header, node, apex_at) - 2; /* a pointer would have had two octets */
    memcpy(to + 2, records + 2, octets - 2);
    place_owners(to + 12 + octets_u16(to + 10), to + octets, (unsigned)owner_at);
    return to + octets;
}

#endif
