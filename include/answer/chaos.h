/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Class CHAOS: who answers and with what (RFC 4892): TXT of id.server, hostname.bind, version.server,
 * version.bind.
 */
#ifndef HITHER_ANSWER_CHAOS_H
#define HITHER_ANSWER_CHAOS_H

#include "answer/response.h"

void chaos_respond(struct response *response, struct query *query);

#endif
