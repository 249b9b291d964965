/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An answer that comes later. Whoever defers a message (the resolver's desk) makes one of these and hangs it
 * on the message; the transport, once it has the batch back, writes on it where the answer has to go.
 *
 *     desk: message->deferred = d --> transport: d->send, d->owner, its room --> ... --> desk: d->send(d,
 * ...)
 *
 * It is the desk's memory. The transport is told exactly once what became of it, with an answer or without;
 * after that it doesn't touch it. A transport whose client is gone sets `send` to NULL: then nothing is told.
 * All of it happens on the worker's thread.
 */
#ifndef HITHER_ANSWER_DEFERRED_H
#define HITHER_ANSWER_DEFERRED_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define DEFERRED_ROOM_OCTETS 64

struct answer_deferred {
    /* The answer of `octets`; 0: there won't be any. Never from within answer_batch(). */
    void (*send)(struct answer_deferred *deferred, const uint8_t *response, size_t octets);
    void *owner;                   /* of the transport: the socket, the connection */
    struct answer_deferred *older; /* the owner's list of them, if it keeps one */
    struct answer_deferred *newer;
    union {
        struct sockaddr sa;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
    } client;
    size_t room_octets; /* used of `room`, the transport's own */
    _Alignas(16) unsigned char room[DEFERRED_ROOM_OCTETS];
};

#endif
