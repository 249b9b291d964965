/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/query.h"

#include "answer/chaos.h"
#include "answer/context.h"
#include "answer/direct.h"
#include "answer/limit.h"
#include "answer/parse.h"
#include "answer/respond.h"
#include "answer/response.h"
#include "answer/stream.h"
#include "answer/transfer.h"
#include "resolve/desk.h"
#include "wire/rdata.h"
#include "zone/set.h"

_Static_assert((int)ANSWER_UDP == (int)STATS_UDP && (int)ANSWER_TCP == (int)STATS_TCP,
               "counted by transport");

/* A message on its way through the stages. */
struct job {
    struct query query;
    enum parse_verdict verdict;
    enum limit_verdict limited;
    struct limit_account account; /* what its answer is charged to */
    const struct zone_image *image;
    const struct image_bucket *bucket; /* where the image's index has the name */
    const struct image_node *guess;
    struct lookup found;
};

static bool is_ours(const struct job *job)
{
    return job->verdict == PARSE_PROCEED && job->query.qclass == CLASS_IN;
}

/* The zone that answers: DS is asked of the parent, so when we serve that too it is the one (RFC
 * 4035 3.1.4.1). */
static const struct zone_image *zone_for(const struct zone_set *set, const struct query *query)
{
    const struct zone_image *image = lookup_zone(set, &query->name, query->name.labels);
    if (image == NULL || query->qtype != RR_DS || image->header->apex_labels != query->name.labels ||
        query->name.labels == 0)
        return image;
    const struct zone_image *parent = lookup_zone(set, &query->name, query->name.labels - 1U);
    return parent != NULL ? parent : image;
}

static void stage_parse(struct job *job, const struct answer_message *message,
                        enum answer_transport transport)
{
    job->image = NULL;
    job->limited = LIMIT_PASS;
    job->verdict = query_parse(&job->query, message, transport);
}

static void refuse(struct job *job, uint16_t rcode)
{
    job->verdict = PARSE_ERROR;
    job->query.plain = false;
    job->query.rcode = rcode;
}

/* A signature that doesn't hold ends the query, whatever it asks (RFC 8945 5.2). `tsig` is room for what
 * there is to remember of it. */
static void stage_authenticate(struct job *job, struct tsig *tsig, const struct answer_policy *policy,
                               uint32_t now_s)
{
    struct query *query = &job->query;
    if (job->verdict == PARSE_DROP || query->tsig_at == 0)
        return;
    enum tsig_verdict verdict = tsig_verify(tsig, &policy->keys, query->message->query,
                                            query->message->query_octets, query->tsig_at, now_s);
    if (verdict == TSIG_MALFORMED) {
        refuse(job, RCODE_FORMERR);
        return;
    }
    query->tsig = tsig;
    if (verdict == TSIG_REFUSED)
        refuse(job, RCODE_NOTAUTH);
}

/* Of what is too much it is only said that there would be an answer: nothing that makes it longer. */
static void cut_short(struct job *job, enum limit_verdict limited)
{
    struct query *query = &job->query;
    query->rcode = limited == LIMIT_BADCOOKIE ? RCODE_BADCOOKIE : RCODE_NOERROR;
    query->error = EDNS_ERROR_NONE;
    query->edns.wants_nsid = false;
    query->edns.wants_zoneversion = false;
    query->plain = false;
    job->limited = limited;
    job->verdict = limited == LIMIT_DROP ? PARSE_DROP : PARSE_ERROR;
}

/* Who signed, or asks over TCP, is where it says it is. Plain queries aren't signed. */
static inline void stage_limit(struct job *job, struct limiter *limiter, const struct answer_policy *policy,
                               uint32_t now_s)
{
    const struct query *query = &job->query;
    const struct answer_message *message = query->message;
    bool shown =
        !query->plain && (job->verdict == PARSE_DROP || (query->tsig != NULL && job->verdict != PARSE_ERROR));
    job->account = (struct limit_account){NULL, NULL};
    if (shown || message->client == NULL || message->probe)
        return;
    enum limit_verdict limited = limit_admit(limiter, query, policy, now_s, &job->account);
    if (limited != LIMIT_PASS)
        cut_short(job, limited);
}

/* Plain queries have no cookie. */
static void stage_cookie(struct job *job, const struct answer_policy *policy, uint32_t now_s)
{
    if (policy->cookies_required && job->verdict == PARSE_PROCEED &&
        limit_refuses_cookie(&job->query, policy, now_s))
        job->verdict = PARSE_ERROR;
}

/* A zone that isn't for this client: what it transfers is judged where that is answered. */
static void withhold_zone(struct job *job)
{
    refuse(job, RCODE_REFUSED);
    job->query.error = EDNS_ERROR_PROHIBITED;
    job->image = NULL;
}

static void stage_find_zone(struct job *job, const struct zone_set *set)
{
    if (!job->query.plain && !is_ours(job))
        return;
    job->image = zone_for(set, &job->query);
    if (job->image != NULL && set->restricted && !transfer_is_asked(&job->query) &&
        !limit_shows_zone(&job->query, set, job->image))
        withhold_zone(job);
    if (job->image != NULL)
        job->bucket = lookup_bucket(job->image, &job->query.name);
}

static void stage_guess(struct job *job)
{
    if (job->image != NULL)
        job->guess = lookup_guess(job->image, job->bucket, &job->query.name);
}

/* Whether NSEC3 may have to show that the name isn't there, for which the next closer one is hashed (RFC
 * 5155 1.3). */
static inline bool wants_hash(const struct job *job)
{
    bool absent = job->found.outcome == LOOKUP_ABSENT || job->found.outcome == LOOKUP_WILDCARD;
    return absent && job->query.edns.dnssec_ok && (job->image->header->flags & IMAGE_NSEC3) != 0;
}

/* Whether stage_hash() has something to do for it. */
static inline bool stage_look_up(struct job *job)
{
    if (job->image == NULL)
        return false;
    lookup_find(&job->found, job->image, &job->query.name, job->guess);
    return wants_hash(job);
}

/* Hashing is the most that an answer can take: it is done for the whole batch, side by side. */
static void stage_hash(struct job *jobs, const struct job *end)
{
    struct nsec3_name names[ANSWER_BATCH];
    size_t count = 0;
    for (struct job *job = jobs; job < end; job++) {
        if (job->image != NULL && wants_hash(job))
            names[count++] = lookup_nsec3_name(job->image, &job->query.name, job->found.encloser_labels + 1U);
    }
    nsec3_hash_all(names, count);
}

/* The stream, when more than one message is needed. */
static struct answer_stream *respond_to_query(struct job *job, struct response *response,
                                              const struct zone_set *set)
{
    struct query *query = &job->query;
    switch (query->qclass) {
    case CLASS_IN:
        if (transfer_is_asked(query))
            return transfer_respond(response, query, set, job->image);
        respond(response, query, set, job->image, &job->found);
        break;
    case CLASS_CH:
        chaos_respond(response, query);
        break;
    default:
        query->rcode = RCODE_REFUSED;
        query->error = EDNS_ERROR_NOT_SUPPORTED;
    }
    return NULL;
}

static void respond_at_length(struct job *job, struct answer_message *message, const struct zone_set *set,
                              const struct answer_policy *policy, const uint32_t *now_s)
{
    struct response response;
    response_start(&response, &job->query, policy, job->image, *now_s);
    if (job->verdict == PARSE_PROCEED)
        message->stream = respond_to_query(job, &response, set);
    else if (job->limited == LIMIT_TRUNCATE)
        response_truncate(&response);
    message->response_octets = response_finish(&response, &job->query);
    if (message->stream != NULL && job->query.tsig != NULL)
        stream_sign(message->stream, job->query.tsig, now_s);
}

/* Whether it is for the resolver: a name that isn't ours, or that we have delegated, and recursion is wanted.
 */
static bool is_for_desk(const struct job *job)
{
    const struct query *query = &job->query;
    return is_ours(job) && (query->flags & FLAG_RD) != 0 && !transfer_is_asked(query) &&
           (job->image == NULL || job->found.outcome == LOOKUP_CUT);
}

/* The short way, counted at once: its answers are whole and never REFUSED. False when it isn't for it. */
static inline bool respond_directly(struct job *job, struct answer_message *message,
                                    const struct answer_policy *policy, struct worker_stats *stats)
{
    struct query *query = &job->query;
    size_t octets = direct_answer(query, policy, job->image, &job->found);
    if (octets == 0)
        return false;
    message->response_octets = octets;
    message->deferred = NULL;
    message->stream = NULL;
    stat_add(&stats->rcodes[query->rcode], 1);
    stat_add(&stats->types[query->qtype < STATS_TYPES - 2 ? query->qtype : STATS_TYPES - 2], 1);
    stat_add(&stats->zones[zone_image_counter(job->image)], 1);
    return true;
}

static void stage_respond(struct job *job, struct answer_message *message, const struct zone_set *set,
                          const struct answer_policy *policy, const uint32_t *now_s, struct desk *desk)
{
    message->response_octets = 0;
    message->deferred = NULL;
    message->stream = NULL;
    if (job->verdict == PARSE_DROP)
        return;
    if (desk != NULL && is_for_desk(job))
        message->response_octets = desk_take(desk, &job->query, message, policy);
    if (message->response_octets == 0 && message->deferred == NULL)
        respond_at_length(job, message, set, policy, now_s);
    if (job->query.rcode == RCODE_REFUSED && policy->limit.drop_refused && job->query.transport == ANSWER_UDP)
        message->response_octets = 0;
}

static void count_dropped(const struct job *job, const struct answer_message *message,
                          struct worker_stats *stats)
{
    if (job->limited != LIMIT_PASS)
        stat_add(&stats->dropped_limit, 1);
    else if (job->verdict != PARSE_DROP && job->query.rcode == RCODE_REFUSED)
        stat_add(&stats->dropped_refused, 1);
    else if (message->query_octets < MESSAGE_HEADER_OCTETS)
        stat_add(&stats->dropped_short, 1);
    else
        stat_add(&stats->dropped_response, 1);
}

static void count_cookie(const struct edns *edns, struct worker_stats *stats)
{
    if (edns->cookie_octets > 0)
        stat_add(edns->cookie_octets > COOKIE_CLIENT_OCTETS ? &stats->cookies_both : &stats->cookies_client,
                 1);
}

/* What was asked. */
static inline void count_question(const struct job *job, struct worker_stats *stats)
{
    const struct query *query = &job->query;
    if (query->edns.has_options)
        count_cookie(&query->edns, stats);
    if (job->verdict == PARSE_PROCEED)
        stat_add(&stats->types[query->qtype < STATS_TYPES - 2 ? query->qtype : STATS_TYPES - 2], 1);
    if (job->image != NULL)
        stat_add(&stats->zones[zone_image_counter(job->image)], 1);
}

/* What differs from message to message. Whether it was answered, and at once. */
static bool stage_count(const struct job *job, const struct answer_message *message,
                        struct worker_stats *stats)
{
    const struct query *query = &job->query;
    if (message->deferred != NULL) {
        count_question(job, stats);
        return false;
    }
    if (message->response_octets == 0) {
        count_dropped(job, message, stats);
        return false;
    }
    if (job->limited != LIMIT_PASS)
        stat_add(job->limited == LIMIT_TRUNCATE ? &stats->limited_truncated : &stats->limited_badcookie, 1);
    stat_add(&stats->rcodes[query->rcode < STATS_RCODES ? query->rcode : 0], 1);
    if ((message->response[2] & FLAG_TC >> 8) != 0)
        stat_add(&stats->truncated, 1);
    count_question(job, stats);
    return true;
}

/* The messages of a batch come through one socket. */
static void count_batch(struct worker_stats *stats, enum answer_transport transport,
                        const struct sockaddr *client, size_t count)
{
    bool ipv6 = client != NULL && client->sa_family == AF_INET6;
    stat_add(&stats->queries[transport][ipv6], count);
}

/* Set for the time of the batch; NULL where nothing is limited. */
static struct limiter *limiter_for(const struct answer_context *context, const struct answer_policy *policy,
                                   enum answer_transport transport)
{
    if (transport != ANSWER_UDP || policy->limit.free_units == 0 || context->limiter == NULL)
        return NULL;
    limit_begin(context->limiter, context->now_ms);
    return context->limiter;
}

/* Each loop ends where the next stage has to wait for memory that this one asked for. */
void answer_batch(struct answer_context *context, enum answer_transport transport,
                  struct answer_message *messages, size_t count)
{
    struct job jobs[ANSWER_BATCH];
    struct tsig tsigs[ANSWER_BATCH]; /* apart, so that what isn't signed doesn't come near them */
    struct worker_stats *stats = context->stats;
    const struct zone_set *set = zone_set_current();
    const struct answer_policy *policy = answer_policy_current();
    struct limiter *limiter = limiter_for(context, policy, transport);
    struct desk *desk = context->desk;
    size_t answers = 0;
    bool hashes = false;
    struct job *end = jobs + count;
    struct answer_message *message = messages;

    for (struct job *job = jobs; job < end; job++, message++) {
        stage_parse(job, message, transport);
        if (!job->query.plain)
            stage_authenticate(job, &tsigs[job - jobs], policy, context->now_s);
        if (limiter != NULL)
            stage_limit(job, limiter, policy, context->now_s);
        if (!job->query.plain)
            stage_cookie(job, policy, context->now_s);
        stage_find_zone(job, set);
    }
    for (struct job *job = jobs; job < end; job++)
        stage_guess(job);
    for (struct job *job = jobs; job < end; job++)
        hashes |= stage_look_up(job);
    if (hashes)
        stage_hash(jobs, end);
    message = messages;
    for (struct job *job = jobs; job < end; job++, message++) {
        bool direct = job->query.plain && job->image != NULL && (desk == NULL || !is_for_desk(job)) &&
                      respond_directly(job, message, policy, stats);
        if (direct) {
            answers++;
        } else {
            stage_respond(job, message, set, policy, &context->now_s, desk);
            answers += stage_count(job, message, stats) ? 1 : 0;
        }
        if (limiter != NULL)
            limit_charge(limiter, &policy->limit, &job->account, message->response_octets);
    }
    count_batch(stats, transport, messages[0].client, count);
    stat_add(&stats->answers, answers);
}
