/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The channel between the two processes: a SOCK_SEQPACKET pair that carries commands down and replies up. One
 * packet is one message: a number, by which a reply finds its request, and a text. The announcer passes the
 * text of a reply on to whoever asked and never parses it.
 *
 *     down   "reload" or "reload NAME"     read the configuration and changed zones again
 *            "good"                        what is served has stood its trial (zone/good.h)
 *            "back"                        serve the last good zones, and the configuration as it is now
 *            "cache {...}"                 what is to be told of the caches, or forgotten (resolve/clerk.h)
 *            "stop"                        leave; no reply
 *            "heir", "no heir"             another program becomes the announcer; it couldn't after all
 *     up     one JSON object               control/control.h says what stands in a reply
 *            "serving", "zones"            look at shared_up: it says so too
 *            "images", with descriptors    to be kept for the next server, in place of those before
 */
#ifndef HITHER_BASE_CHANNEL_H
#define HITHER_BASE_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#define CHANNEL_TEXT_OCTETS 65536 /* with the closing zero */
#define CHANNEL_NEWS        0     /* the number of what is no request and no reply */
#define CHANNEL_MAX_FDS     128   /* in one message */
#define CHANNEL_IMAGES      "images"

struct channel_message {
    uint32_t id;
    size_t octets; /* of the text, which is also zero-terminated */
    char text[CHANNEL_TEXT_OCTETS];
};

/* Both ends, nonblocking and close-on-exec. 0 or -errno. */
int channel_open(int ends[2]);

/* Text that is too long is cut. 0 or -errno; -EAGAIN when the other side doesn't read. */
int channel_send(int fd, uint32_t id, const char *text, size_t octets);

/* News with at most CHANNEL_MAX_FDS descriptors, which stay ours. */
int channel_send_fds(int fd, const char *text, const int *fds, size_t count);

/* 1: a message; 0: none now; -ECONNRESET: the other side is gone; else -errno. What is malformed is skipped.
 */
int channel_receive(int fd, struct channel_message *message);

/* The same with the descriptors that came with it, ours from now on; channel_receive() drops them. */
int channel_receive_fds(int fd, struct channel_message *message, int fds[CHANNEL_MAX_FDS], size_t *count);

#endif
