/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The main thread's end of the workers' taps (answer/tap.h): each beat it empties the rings, writes what the
 * rules picked into the log, and hands dnstap what it is to have.
 *
 *     info  query client=192.0.2.1@4242 name=www.example.com. type=A transport=udp rcode=NOERROR octets=61
 */
#ifndef HITHER_CONTROL_QUERY_LOG_H
#define HITHER_CONTROL_QUERY_LOG_H

#include "answer/tap.h"
#include "control/dnstap.h"

#define QUERY_LOG_MOST 2000 /* records of one turn, so that the main thread gets to its other work */

/* Empties `tap` (at most QUERY_LOG_MOST records). `dnstap` may be NULL. */
void query_log_empty(struct tap *tap, struct dnstap *dnstap);

#endif
