/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Messages out of a TCP stream: two octets of length, then the message (RFC 1035 4.2.2, RFC 7766 8). A pure
 * function of the bytes that have come so far.
 */
#ifndef HITHER_NET_TCP_FRAME_H
#define HITHER_NET_TCP_FRAME_H

#include "wire/reader.h"

#define TCP_FRAME_PREFIX_OCTETS  2
#define TCP_FRAME_MESSAGE_OCTETS 65535

enum tcp_frame_result {
    TCP_FRAME_MESSAGE, /* `message` is whole */
    TCP_FRAME_PARTIAL, /* more has to come */
    TCP_FRAME_BROKEN,  /* no DNS message is that short: the two ends have lost step, nothing after it makes
                          sense */
};

struct tcp_frame {
    const uint8_t *message;
    size_t octets;
    size_t needed; /* of the stream, from the prefix on, for this message to be whole: at least 2 */
};

/* Looks at the front of `stream`, and moves it past the message when that is whole. */
enum tcp_frame_result tcp_frame_next(struct reader *stream, struct tcp_frame *frame);

#endif
