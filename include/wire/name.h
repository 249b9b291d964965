/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Domain names in wire form (RFC 1035 3.1): length-prefixed labels, closed by the root's empty label, at most
 * 255 octets. Everything here takes names that are whole and uncompressed; name_check() is what makes sure of
 * that for bytes from outside. Folding is ASCII only (RFC 4343), and as no label length is a letter it may
 * run over the wire form blindly.
 *
 * RFCs: 1034 3.1, 1035 2.3.4 and 3.1, 4034 6.1 (canonical order), 4343 (case).
 */
#ifndef HITHER_WIRE_NAME_H
#define HITHER_WIRE_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define NAME_MAX_OCTETS 255 /* with the root label */
#define NAME_MAX_LABELS 127 /* without the root label */
#define NAME_MAX_LABEL  63
#define NAME_PADDING    8    /* octets behind a name that some functions here read, whatever they hold */
#define NAME_TEXT_MAX   1024 /* enough for the longest name with every octet escaped, and the closing zero */

/* Octets of the name at `name`, its root label included, when it lies whole and uncompressed within `octets`;
 * 0 when it doesn't (too long, a pointer, a reserved label type, cut off). */
size_t name_check(const uint8_t *name, size_t octets);

/* Octets of a name that was checked before. */
size_t name_octets(const uint8_t *name);

/* Labels of a checked name, the root label not counted. */
unsigned name_labels(const uint8_t *name);

/* Sixteen octets at once. Moved up so that 'A' becomes the least of the signed numbers, capitals are the
 * first 26 of those. */
typedef uint8_t name_vector __attribute__((vector_size(16)));
typedef int8_t name_signed_vector __attribute__((vector_size(16)));

static inline void name_fold_sixteen(uint8_t *to, const uint8_t *from)
{
    name_vector v;
    memcpy(&v, from, sizeof v);
    name_vector capitals = (name_vector)((name_signed_vector)(v + (0x80 - 'A')) < INT8_MIN + 26);
    v |= capitals & 0x20;
    memcpy(to, &v, sizeof v);
}

/* Eight octets at once. An octet is a capital when it is ASCII, at or above 'A' and not above 'Z': each of
 * these three lands in its top bit, and the top bit moved down by two is the case bit. */
static inline uint64_t name_fold_word(uint64_t v)
{
    const uint64_t low = 0x7f7f7f7f7f7f7f7f;
    uint64_t from_a = (v & low) + 0x3f3f3f3f3f3f3f3f;
    uint64_t above_z = (v & low) + 0x2525252525252525;
    return v | ((from_a & ~above_z & ~v & ~low) >> 2);
}

static inline void name_fold_eight(uint8_t *to, const uint8_t *from)
{
    uint64_t v;
    memcpy(&v, from, 8);
    v = name_fold_word(v);
    memcpy(to, &v, 8);
}

/* The same for fewer than sixteen octets. */
void name_fold_short(uint8_t *to, const uint8_t *from, size_t octets);

/* Copies `octets` of wire form with A-Z folded to a-z. `to` and `from` may be the same. */
static inline void name_fold(uint8_t *to, const uint8_t *from, size_t octets)
{
    if (octets < 16) {
        name_fold_short(to, from, octets);
        return;
    }
    for (size_t at = 0; at + 16 < octets; at += 16)
        name_fold_sixteen(to + at, from + at);
    /* The last sixteen may overlap those before: folding twice changes nothing. */
    name_fold_sixteen(to + octets - 16, from + octets - 16);
}

/* Which octets of a word the first `octets` (0 to 8) in memory are. */
static inline uint64_t name_first_octets(size_t octets)
{
    static const uint64_t masks[9] = {
        0,
        0x00000000000000ff,
        0x000000000000ffff,
        0x0000000000ffffff,
        0x00000000ffffffff,
        0x000000ffffffffff,
        0x0000ffffffffffff,
        0x00ffffffffffffff,
        0xffffffffffffffff,
    };
    return masks[octets];
}

static inline uint64_t name_eight(const uint8_t *at)
{
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

/* Whether `octets` bytes are the same. Reads up to seven behind them on both sides (NAME_PADDING). */
static inline bool name_same_octets(const uint8_t *a, const uint8_t *b, size_t octets)
{
    if (octets <= 8)
        return ((name_eight(a) ^ name_eight(b)) & name_first_octets(octets)) == 0;
    /* The last eight may overlap those before. */
    size_t last = octets - 8;
    if (((name_eight(a + last) ^ name_eight(b + last)) | (name_eight(a) ^ name_eight(b))) != 0)
        return false;
    for (size_t at = 8; at < last; at += 8) {
        if (name_eight(a + at) != name_eight(b + at))
            return false;
    }
    return true;
}

/* Whether two checked names are the same but for case. */
bool name_equal(const uint8_t *a, const uint8_t *b);

/* Canonical order of two checked names (RFC 4034 6.1), case folded: below, at or above 0. */
int name_compare(const uint8_t *a, const uint8_t *b);

/* Whether `name` is `ancestor` or below it. */
bool name_is_at_or_below(const uint8_t *name, const uint8_t *ancestor);

/* Spells out the name at octet `at` of a message, whose pointers may only lead back. Its octets, or 0 when it
 * is broken or too long. `*after` becomes the octet behind it. */
size_t name_unpack(uint8_t name[NAME_MAX_OCTETS], const uint8_t *message, size_t octets, size_t at,
                   size_t *after);

/* The name without its first label; `name` must not be the root. */
static inline const uint8_t *name_parent(const uint8_t *name)
{
    return name + 1 + name[0];
}

/* The hash of the name that puts `label` (its length octet first, folded) before a name whose hash is
 * `parent`; the root's is NAME_HASH_ROOT. One right-to-left pass so gives the hashes of all suffixes of a
 * name. Reads up to seven octets behind the label: the buffer must have them (NAME_PADDING). The function is
 * part of the image format. */
#define NAME_HASH_ROOT UINT64_C(0x9e3779b97f4a7c15)

static inline uint64_t name_hash_mix(uint64_t hash, uint64_t v)
{
    unsigned __int128 product = (unsigned __int128)(hash ^ v) * UINT64_C(0xd6e8feb86659fd93);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t name_hash_label(uint64_t parent, const uint8_t *label)
{
    size_t octets = 1U + (size_t)label[0];
    for (; octets > 8; octets -= 8, label += 8)
        parent = name_hash_mix(parent, name_eight(label));
    return name_hash_mix(parent + 1, name_eight(label) & name_first_octets(octets));
}

/* The same for a label of fewer than sixteen octets, its length octet not counted. */
static inline uint64_t name_hash_short_label(uint64_t parent, const uint8_t *label)
{
    size_t behind = label[0];
    if (behind >= 8) {
        parent = name_hash_mix(parent, name_eight(label));
        label += 8;
        behind -= 8;
    }
    return name_hash_mix(parent + 1, name_eight(label) & name_first_octets(behind + 1));
}

/* The hash of a checked name, whole and folded. */
uint64_t name_hash(const uint8_t *name);

/* Presentation form with a closing dot, escaped (RFC 1035 5.1), zero-terminated, into `text` of
 * NAME_TEXT_MAX. Returns `text`. */
char *name_to_text(const uint8_t *name, char text[NAME_TEXT_MAX]);

/* Wire form of an absolute name in presentation form; the closing dot may be missing. Octets, or 0 when it
 * isn't a name. */
size_t name_from_text(uint8_t name[NAME_MAX_OCTETS], const char *text);

#endif
