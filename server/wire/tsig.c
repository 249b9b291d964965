/* SPDX-License-Identifier: BSD-2-Clause */
#include "wire/tsig.h"

#include "wire/rdata.h"
#include "wire/reader.h"
#include "wire/writer.h"

#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <strings.h>

#define HEADER_OCTETS 12
#define TIME_OCTETS   6
#define MAC_LEAST     10 /* octets, however short the hash is (RFC 8945 5.2.2.1) */
#define FIXED_OCTETS                                                                                         \
    (10 + TIME_OCTETS + 2 + 2 + 2 + 2 + 2) /* of a record, all but names, MAC and other data */
#define DIGESTED_FIXED                                                                                       \
    (6 + TIME_OCTETS + 6) /* of what is digested of a record, names and other data apart                     \
                           */

/* The algorithms; an algorithm's number is its place. */
static const struct {
    const char *text;
    uint8_t name[14];
    uint8_t mac_octets;
} algorithms[] = {
    [TSIG_UNKNOWN] = {"", {0}, 0},
    [TSIG_HMAC_SHA256] = {"hmac-sha256", "\13hmac-sha256", SHA256_DIGEST_SIZE},
    [TSIG_HMAC_SHA384] = {"hmac-sha384", "\13hmac-sha384", SHA384_DIGEST_SIZE},
    [TSIG_HMAC_SHA512] = {"hmac-sha512", "\13hmac-sha512", SHA512_DIGEST_SIZE},
};

/* A TSIG record as it stands in a message, which it borrows from. */
struct tsig_record {
    uint8_t name[NAME_MAX_OCTETS];      /* folded */
    uint8_t algorithm[NAME_MAX_OCTETS]; /* folded */
    uint64_t time_s;
    uint16_t fudge_s;
    uint16_t mac_octets;
    uint16_t original_id;
    uint16_t error;
    uint16_t other_octets;
    const uint8_t *mac;
    const uint8_t *other;
};

enum tsig_algorithm tsig_algorithm_of(const char *text)
{
    for (unsigned i = TSIG_HMAC_SHA256; i <= TSIG_HMAC_SHA512; i++) {
        if (strcasecmp(text, algorithms[i].text) == 0)
            return (enum tsig_algorithm)i;
    }
    return TSIG_UNKNOWN;
}

const struct tsig_key *tsig_find_key(const struct tsig_keys *keys, const uint8_t *name)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (name_equal(keys->list[i].name, name))
            return &keys->list[i];
    }
    return NULL;
}

/* --- HMAC
 * ------------------------------------------------------------------------------------------------------ */

struct hmac {
    enum tsig_algorithm algorithm;
    union {
        struct hmac_sha256_ctx sha256;
        struct hmac_sha384_ctx sha384;
        struct hmac_sha512_ctx sha512;
    } of;
};

static void hmac_begin(struct hmac *hmac, const struct tsig_key *key)
{
    hmac->algorithm = key->algorithm;
    if (key->algorithm == TSIG_HMAC_SHA256)
        hmac_sha256_set_key(&hmac->of.sha256, key->secret_octets, key->secret);
    else if (key->algorithm == TSIG_HMAC_SHA384)
        hmac_sha384_set_key(&hmac->of.sha384, key->secret_octets, key->secret);
    else
        hmac_sha512_set_key(&hmac->of.sha512, key->secret_octets, key->secret);
}

static void hmac_take(struct hmac *hmac, const uint8_t *bytes, size_t octets)
{
    if (hmac->algorithm == TSIG_HMAC_SHA256)
        hmac_sha256_update(&hmac->of.sha256, octets, bytes);
    else if (hmac->algorithm == TSIG_HMAC_SHA384)
        hmac_sha384_update(&hmac->of.sha384, octets, bytes);
    else
        hmac_sha512_update(&hmac->of.sha512, octets, bytes);
}

static void hmac_end(struct hmac *hmac, uint8_t mac[TSIG_MAC_MOST])
{
    if (hmac->algorithm == TSIG_HMAC_SHA256)
        hmac_sha256_digest(&hmac->of.sha256, SHA256_DIGEST_SIZE, mac);
    else if (hmac->algorithm == TSIG_HMAC_SHA384)
        hmac_sha384_digest(&hmac->of.sha384, SHA384_DIGEST_SIZE, mac);
    else
        hmac_sha512_digest(&hmac->of.sha512, SHA512_DIGEST_SIZE, mac);
}

/* --- the record
 * ------------------------------------------------------------------------------------------------ */

static uint64_t read_time(struct reader *r)
{
    uint64_t high = reader_u16(r);
    return high << 32 | reader_u32(r);
}

static void write_time(struct writer *w, uint64_t time_s)
{
    writer_u16(w, (uint16_t)(time_s >> 32));
    writer_u32(w, (uint32_t)time_s);
}

/* Reads a record whose owner is behind it already. */
static bool read_rdata(struct tsig_record *record, struct reader *r)
{
    uint16_t type = reader_u16(r);
    uint16_t class = reader_u16(r);
    uint32_t ttl = reader_u32(r);
    struct reader rdata = reader_part(r, reader_u16(r));
    if (r->failed || reader_left(r) > 0 || type != RR_TSIG || class != CLASS_ANY || ttl != 0)
        return false;
    size_t octets = name_check(rdata.at, reader_left(&rdata));
    const uint8_t *algorithm = reader_bytes(&rdata, octets);
    if (octets == 0 || algorithm == NULL)
        return false;
    name_fold(record->algorithm, algorithm, octets);
    record->time_s = read_time(&rdata);
    record->fudge_s = reader_u16(&rdata);
    record->mac_octets = reader_u16(&rdata);
    record->mac = reader_bytes(&rdata, record->mac_octets);
    record->original_id = reader_u16(&rdata);
    record->error = reader_u16(&rdata);
    record->other_octets = reader_u16(&rdata);
    record->other = reader_bytes(&rdata, record->other_octets);
    return !rdata.failed && reader_left(&rdata) == 0;
}

static bool read_record(struct tsig_record *record, const uint8_t *message, size_t octets, size_t at)
{
    size_t after = 0;
    if (at < HEADER_OCTETS || name_unpack(record->name, message, octets, at, &after) == 0)
        return false;
    name_fold(record->name, record->name, name_octets(record->name));
    struct reader r = reader_of(message + after, octets - after);
    return read_rdata(record, &r);
}

/* What goes into the digest of the record itself (RFC 8945 4.3.3); of a message that follows others only the
 * times (5.3.1). */
static void digest_record(struct hmac *hmac, const struct tsig_record *record, bool times_only)
{
    uint8_t bytes[2 * NAME_MAX_OCTETS + DIGESTED_FIXED];
    struct writer w = writer_to(bytes, sizeof bytes);
    if (!times_only) {
        writer_bytes(&w, record->name, name_octets(record->name));
        writer_u16(&w, CLASS_ANY);
        writer_u32(&w, 0);
        writer_bytes(&w, record->algorithm, name_octets(record->algorithm));
    }
    write_time(&w, record->time_s);
    writer_u16(&w, record->fudge_s);
    if (!times_only) {
        writer_u16(&w, record->error);
        writer_u16(&w, record->other_octets);
    }
    hmac_take(hmac, bytes, writer_offset(&w));
    if (!times_only && record->other_octets > 0)
        hmac_take(hmac, record->other, record->other_octets);
}

/* The MAC of the first `octets` of a message, of which the record isn't one. `header` is its header as it was
 * when the record wasn't there yet. */
static void compute(const struct tsig *tsig, const struct tsig_record *record, const uint8_t *header,
                    const uint8_t *message, size_t octets, bool times_only, uint8_t mac[TSIG_MAC_MOST])
{
    struct hmac hmac;
    hmac_begin(&hmac, tsig->key);
    if (tsig->mac_octets > 0) {
        const uint8_t length[2] = {0, tsig->mac_octets};
        hmac_take(&hmac, length, sizeof length);
        hmac_take(&hmac, tsig->mac, tsig->mac_octets);
    }
    hmac_take(&hmac, header, HEADER_OCTETS);
    hmac_take(&hmac, message + HEADER_OCTETS, octets - HEADER_OCTETS);
    digest_record(&hmac, record, times_only);
    hmac_end(&hmac, mac);
}

/* --- verifying
 * ------------------------------------------------------------------------------------------------- */

static enum tsig_verdict refuse(struct tsig *tsig, enum tsig_error error)
{
    tsig->error = (uint16_t)error;
    if (error == TSIG_BADKEY || error == TSIG_BADSIG)
        tsig->key = NULL;
    return TSIG_REFUSED;
}

static bool key_fits(const struct tsig_key *key, const struct tsig_record *record)
{
    return key != NULL && name_equal(key->name, record->name) &&
           name_equal(algorithms[key->algorithm].name, record->algorithm);
}

/* Whether the record's MAC, of which the beginning may have been left out, is that of the message. */
static bool mac_holds(const struct tsig *tsig, const struct tsig_record *record, const uint8_t *message,
                      size_t at)
{
    uint8_t header[HEADER_OCTETS];
    uint8_t mac[TSIG_MAC_MOST] = {0};
    memcpy(header, message, sizeof header);
    unsigned additional = ((unsigned)header[10] << 8 | header[11]) - 1U;
    header[0] = (uint8_t)(record->original_id >> 8);
    header[1] = (uint8_t)record->original_id;
    header[10] = (uint8_t)(additional >> 8);
    header[11] = (uint8_t)additional;
    compute(tsig, record, header, message, at, false, mac);
    return memeql_sec(mac, record->mac, record->mac_octets) != 0;
}

/* Key, MAC, time, length of the MAC: in this order (RFC 8945 5.2). `tsig->key` is the one to be expected. */
static enum tsig_verdict judge(struct tsig *tsig, const struct tsig_record *record, const uint8_t *message,
                               size_t at, uint64_t now_s)
{
    if (!key_fits(tsig->key, record))
        return refuse(tsig, TSIG_BADKEY);
    unsigned whole = algorithms[tsig->key->algorithm].mac_octets;
    if (record->mac_octets > whole || record->mac_octets < MAC_LEAST || record->mac_octets < whole / 2)
        return TSIG_MALFORMED;
    if (!mac_holds(tsig, record, message, at))
        return refuse(tsig, TSIG_BADSIG);
    memcpy(tsig->mac, record->mac, record->mac_octets);
    tsig->mac_octets = (uint8_t)record->mac_octets;
    uint64_t apart_s = now_s > record->time_s ? now_s - record->time_s : record->time_s - now_s;
    if (apart_s > record->fudge_s)
        return refuse(tsig, TSIG_BADTIME);
    return record->mac_octets < whole ? refuse(tsig, TSIG_BADTRUNC) : TSIG_HOLDS;
}

enum tsig_verdict tsig_verify(struct tsig *tsig, const struct tsig_keys *keys, const uint8_t *message,
                              size_t octets, size_t at, uint64_t now_s)
{
    struct tsig_record record;
    if (!read_record(&record, message, octets, at))
        return TSIG_MALFORMED;
    tsig->key = tsig_find_key(keys, record.name);
    memcpy(tsig->name, record.name, name_octets(record.name));
    memcpy(tsig->algorithm, record.algorithm, name_octets(record.algorithm));
    tsig->time_s = record.time_s;
    tsig->fudge_s = record.fudge_s;
    tsig->original_id = record.original_id;
    tsig->error = TSIG_NO_ERROR;
    tsig->mac_octets = 0;
    return judge(tsig, &record, message, at, now_s);
}

enum tsig_verdict tsig_verify_answer(struct tsig *tsig, const uint8_t *message, size_t octets, size_t at,
                                     uint64_t now_s)
{
    struct tsig_record record;
    if (!read_record(&record, message, octets, at))
        return TSIG_MALFORMED;
    return judge(tsig, &record, message, at, now_s);
}

/* --- signing
 * --------------------------------------------------------------------------------------------------- */

void tsig_start(struct tsig *tsig, const struct tsig_key *key)
{
    tsig->key = key;
    memcpy(tsig->name, key->name, name_octets(key->name));
    memcpy(tsig->algorithm, algorithms[key->algorithm].name, name_octets(algorithms[key->algorithm].name));
    tsig->time_s = 0;
    tsig->fudge_s = TSIG_FUDGE_S;
    tsig->error = TSIG_NO_ERROR;
    tsig->mac_octets = 0;
}

size_t tsig_octets(const struct tsig *tsig)
{
    size_t octets = FIXED_OCTETS + name_octets(tsig->name) + name_octets(tsig->algorithm);
    if (tsig->key != NULL)
        octets += algorithms[tsig->key->algorithm].mac_octets;
    return octets + (tsig->error == TSIG_BADTIME ? TIME_OCTETS : 0);
}

static void write_record(struct writer *w, const struct tsig_record *record)
{
    writer_bytes(w, record->name, name_octets(record->name));
    writer_u16(w, RR_TSIG);
    writer_u16(w, CLASS_ANY);
    writer_u32(w, 0);
    size_t length_at = writer_offset(w);
    writer_u16(w, 0);
    size_t rdata_at = writer_offset(w);
    writer_bytes(w, record->algorithm, name_octets(record->algorithm));
    write_time(w, record->time_s);
    writer_u16(w, record->fudge_s);
    writer_u16(w, record->mac_octets);
    writer_bytes(w, record->mac, record->mac_octets);
    writer_u16(w, record->original_id);
    writer_u16(w, record->error);
    writer_u16(w, record->other_octets);
    writer_bytes(w, record->other, record->other_octets);
    writer_set_u16(w, length_at, (uint16_t)(writer_offset(w) - rdata_at));
}

/* One whose time is out is answered with the time it signed at, so that it can check our signature, and is
 * told ours (RFC 8945 5.2.3). */
static void record_init(struct tsig_record *record, const struct tsig *tsig, const uint8_t *message,
                        uint64_t now_s, uint8_t our_time[TIME_OCTETS])
{
    bool bad_time = tsig->error == TSIG_BADTIME;
    struct writer w = writer_to(our_time, TIME_OCTETS);
    write_time(&w, now_s);
    memcpy(record->name, tsig->name, name_octets(tsig->name));
    memcpy(record->algorithm, tsig->algorithm, name_octets(tsig->algorithm));
    record->time_s = bad_time ? tsig->time_s : now_s;
    record->fudge_s = tsig->fudge_s;
    record->mac_octets = 0;
    record->mac = tsig->mac;
    record->original_id = (uint16_t)(message[0] << 8 | message[1]);
    record->error = tsig->error;
    record->other_octets = bad_time ? TIME_OCTETS : 0;
    record->other = our_time;
}

size_t tsig_sign(struct tsig *tsig, uint8_t *message, size_t octets, size_t capacity, uint64_t now_s,
                 bool first)
{
    struct tsig_record record;
    uint8_t our_time[TIME_OCTETS];
    uint8_t mac[TSIG_MAC_MOST];
    if (octets < HEADER_OCTETS || octets > capacity)
        return 0;
    record_init(&record, tsig, message, now_s, our_time);
    if (tsig->key != NULL) {
        compute(tsig, &record, message, message, octets, !first, mac);
        tsig->mac_octets = algorithms[tsig->key->algorithm].mac_octets;
        memcpy(tsig->mac, mac, tsig->mac_octets);
        record.mac_octets = tsig->mac_octets;
    }
    struct writer w = writer_to(message, capacity);
    w.at += octets;
    write_record(&w, &record);
    unsigned additional = ((unsigned)message[10] << 8 | message[11]) + 1U;
    writer_set_u16(&w, 10, (uint16_t)additional);
    return w.failed ? 0 : writer_offset(&w);
}
