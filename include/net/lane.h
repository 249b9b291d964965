/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which socket of an address a packet reaches. An address has two sockets for each worker, all bound to it
 * with SO_REUSEPORT, in this order:
 *
 *     0 ... workers - 1             everybody's: spread by a secret hash of the client's address and port
 *     workers ... 2 * workers - 1   lanes: the self-check's way to worker 0, 1, ...
 *
 * A packet takes a lane when it came over the loopback interface from a source port of LANE_PORT_FIRST and
 * above; the port says which one. So a probe meets the worker it is meant for, and its queue is one that no
 * flood from outside can fill. Nobody else comes here but programs on this host that choose such a port, so
 * what came over a lane counts for no limit (answer_message.probe).
 *
 * It is a classic BPF program of the kernel's (SO_ATTACH_REUSEPORT_CBPF), which takes no privilege. Where the
 * kernel refuses it there are no lanes, the kernel spreads all packets, and probes meet workers by chance.
 */
#ifndef HITHER_NET_LANE_H
#define HITHER_NET_LANE_H

#include <stdint.h>

#define LANE_PORT_FIRST 0xf000U /* above what Linux gives out by itself */
#define LANE_PORTS      0x1000U

/* Attaches the program to the group of `fd`, a bound socket of `family`. 0 or -errno. */
int lane_attach(int fd, int family, unsigned workers);

/* The kernel spreads again. */
void lane_detach(int fd);

/* A source port that leads to `worker` of `workers`, one of many as `random` says. Host order. */
uint16_t lane_port(unsigned worker, unsigned workers, uint32_t random);

#endif
