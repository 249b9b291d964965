/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/dnstap.h"

#include "dnstap.pb-c.h"

#include <fstrm.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT_TYPE     "protobuf:dnstap.Dnstap"
#define REOPEN_SECONDS   1 /* until a collector that isn't there is tried again */
#define QUEUE_ENTRIES    4096
#define AUTH_RESPONSE    2 /* Message.Type */
#define FRAME_IS_MESSAGE 1 /* Dnstap.Type */

const bool dnstap_is_built = true;

/* Where frames go: the file, the socket. */
struct dnstap_way {
    struct fstrm_iothr *thread;
    struct fstrm_iothr_queue *queue;
};

struct dnstap {
    struct dnstap_way ways[2];
    size_t way_count;
    char identity[256];
    uint64_t dropped;
};

/* Takes over `writer`. Its thread takes no signals: those are for the main thread. */
static bool add_way(struct dnstap *dnstap, struct fstrm_writer *writer)
{
    struct dnstap_way *way = &dnstap->ways[dnstap->way_count];
    struct fstrm_iothr_options *options = fstrm_iothr_options_init();
    sigset_t all;
    sigset_t before;
    fstrm_iothr_options_set_reopen_interval(options, REOPEN_SECONDS);
    fstrm_iothr_options_set_input_queue_size(options, QUEUE_ENTRIES);
    fstrm_iothr_options_set_flush_timeout(options, 1);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    way->thread = writer != NULL ? fstrm_iothr_init(options, &writer) : NULL;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    fstrm_iothr_options_destroy(&options);
    fstrm_writer_destroy(&writer);
    way->queue = way->thread != NULL ? fstrm_iothr_get_input_queue(way->thread) : NULL;
    if (way->queue == NULL) {
        fstrm_iothr_destroy(&way->thread);
        return false;
    }
    dnstap->way_count++;
    return true;
}

static struct fstrm_writer_options *content(void)
{
    struct fstrm_writer_options *options = fstrm_writer_options_init();
    (void)fstrm_writer_options_add_content_type(options, CONTENT_TYPE, sizeof CONTENT_TYPE - 1);
    return options;
}

static bool add_file(struct dnstap *dnstap, const char *path)
{
    struct fstrm_writer_options *writing = content();
    struct fstrm_file_options *options = fstrm_file_options_init();
    fstrm_file_options_set_file_path(options, path);
    bool added = add_way(dnstap, fstrm_file_writer_init(options, writing));
    fstrm_file_options_destroy(&options);
    fstrm_writer_options_destroy(&writing);
    return added;
}

static bool add_socket(struct dnstap *dnstap, const char *path)
{
    struct fstrm_writer_options *writing = content();
    struct fstrm_unix_writer_options *options = fstrm_unix_writer_options_init();
    fstrm_unix_writer_options_set_socket_path(options, path);
    bool added = add_way(dnstap, fstrm_unix_writer_init(options, writing));
    fstrm_unix_writer_options_destroy(&options);
    fstrm_writer_options_destroy(&writing);
    return added;
}

struct dnstap *dnstap_open(const struct settings_dnstap *settings, const char *identity, char *why,
                           size_t why_octets)
{
    struct dnstap *dnstap = calloc(1, sizeof *dnstap);
    const char *failed = NULL;
    if (dnstap == NULL) {
        (void)snprintf(why, why_octets, "memory is short");
        return NULL;
    }
    (void)snprintf(dnstap->identity, sizeof dnstap->identity, "%s", identity);
    if (settings->file != NULL && !add_file(dnstap, settings->file))
        failed = settings->file;
    if (settings->socket != NULL && !add_socket(dnstap, settings->socket))
        failed = settings->socket;
    if (failed == NULL)
        return dnstap;
    (void)snprintf(why, why_octets, "%s can't be written to", failed);
    dnstap_close(dnstap);
    return NULL;
}

static ProtobufCBinaryData binary(const void *octets, size_t count)
{
    /* The library takes no pointer to const, and doesn't write through this one. */
    return (ProtobufCBinaryData){.len = count, .data = (uint8_t *)(uintptr_t)octets};
}

static void put_client(Hither__DnstapMessage *message, const union settings_address *client)
{
    bool ipv6 = client->sa.sa_family == AF_INET6;
    if (client->sa.sa_family == 0)
        return;
    message->has_socket_family = message->has_query_address = message->has_query_port = true;
    message->socket_family = ipv6 ? 2 : 1;
    message->query_address = ipv6 ? binary(&client->in6.sin6_addr, 16) : binary(&client->in4.sin_addr, 4);
    message->query_port = ntohs(ipv6 ? client->in6.sin6_port : client->in4.sin_port);
}

static void put_record(Hither__DnstapMessage *message, const struct tap_record *record)
{
    message->type = AUTH_RESPONSE;
    message->has_socket_protocol = true;
    message->socket_protocol = record->transport == ANSWER_TCP ? 2 : 1;
    put_client(message, &record->client);
    message->has_query_time_sec = message->has_query_time_nsec = message->has_query_message = true;
    message->query_time_sec = (uint64_t)(record->unix_ns / 1000000000);
    message->query_time_nsec = (uint32_t)(record->unix_ns % 1000000000);
    message->query_message = binary(tap_query(record), record->query_octets);
    if (record->response_kept == 0)
        return;
    message->has_response_time_sec = message->has_response_time_nsec = message->has_response_message = true;
    message->response_time_sec = message->query_time_sec;
    message->response_time_nsec = message->query_time_nsec;
    message->response_message = binary(tap_response(record), record->response_kept);
}

/* libfstrm frees what it takes, so each way has a copy. */
static void submit(struct dnstap *dnstap, struct dnstap_way *way, const Hither__DnstapFrame *frame,
                   size_t octets)
{
    uint8_t *packed = malloc(octets);
    if (packed == NULL) {
        dnstap->dropped++;
        return;
    }
    (void)hither__dnstap_frame__pack(frame, packed);
    if (fstrm_iothr_submit(way->thread, way->queue, packed, octets, fstrm_free_wrapper, NULL) ==
        fstrm_res_success)
        return;
    dnstap->dropped++;
    free(packed);
}

void dnstap_put(struct dnstap *dnstap, const struct tap_record *record)
{
    static const char version[] = "hither " HITHER_VERSION;
    Hither__DnstapMessage message = HITHER__DNSTAP_MESSAGE__INIT;
    Hither__DnstapFrame frame = HITHER__DNSTAP_FRAME__INIT;
    put_record(&message, record);
    frame.has_identity = frame.has_version = true;
    frame.identity = binary(dnstap->identity, strlen(dnstap->identity));
    frame.version = binary(version, sizeof version - 1);
    frame.message = &message;
    frame.type = FRAME_IS_MESSAGE;
    size_t octets = hither__dnstap_frame__get_packed_size(&frame);
    for (size_t i = 0; i < dnstap->way_count; i++)
        submit(dnstap, &dnstap->ways[i], &frame, octets);
}

uint64_t dnstap_dropped(const struct dnstap *dnstap)
{
    return dnstap->dropped;
}

void dnstap_close(struct dnstap *dnstap)
{
    if (dnstap == NULL)
        return;
    for (size_t i = 0; i < dnstap->way_count; i++)
        fstrm_iothr_destroy(&dnstap->ways[i].thread);
    free(dnstap);
}
