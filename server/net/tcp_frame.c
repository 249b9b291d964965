/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/tcp_frame.h"

#define TCP_FRAME_HEADER_OCTETS 12

enum tcp_frame_result tcp_frame_next(struct reader *stream, struct tcp_frame *frame)
{
    struct reader ahead = *stream;
    uint16_t octets = reader_u16(&ahead);
    *frame = (struct tcp_frame){.needed = TCP_FRAME_PREFIX_OCTETS};
    if (ahead.failed)
        return TCP_FRAME_PARTIAL;
    if (octets < TCP_FRAME_HEADER_OCTETS)
        return TCP_FRAME_BROKEN;
    frame->needed = TCP_FRAME_PREFIX_OCTETS + (size_t)octets;
    frame->message = reader_bytes(&ahead, octets);
    if (frame->message == NULL)
        return TCP_FRAME_PARTIAL;
    frame->octets = octets;
    *stream = ahead;
    return TCP_FRAME_MESSAGE;
}
