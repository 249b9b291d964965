/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The control socket: a Unix stream socket on which the `hither` command asks. It lives on the announcer's
 * loop, so it answers even while the server is down. This file knows framing and dispatch; what a command
 * does is in the table that the owner gives.
 *
 *     request  {"command": "reload", "zone": "example.com"}    one JSON object, one line
 *     reply    {"ok": true, ...}  or  {"ok": false, "error": "what went wrong and what to do"}
 *
 * A client may ask again on the same connection after each reply. Lines, clients and waiting are bounded. A
 * reply may come at once or later: reload answers when it is done, not when it is queued.
 *
 * What the `hither` command shows of a reply, beside "ok" (all of it optional):
 *
 *     status   "identity", "version": text; "uptime_s": number
 *              "route": {"state": "up", "since_s": seconds ago, "why": text}
 *              "announce": {"backend": "bgp", "prefixes": [{"prefix": text, "announced": true}],
 *                           "neighbors": [{"address": text, "remote_as": number, "state": "established",
 *                                          "since_s": seconds ago, "why": text}]}
 *              "server": report_server() (control/report.h)
 *     why      "route" as above; "checks": [{"name": text, "ok": true, "detail": text}]
 *     drain, resume    "route"; "message": text
 *     reload   "message": text; "findings": control_findings()
 *     zones    "zones": report_zones() (control/report.h)
 */
#ifndef HITHER_CONTROL_CONTROL_H
#define HITHER_CONTROL_CONTROL_H

#include "base/finding.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define CONTROL_MAX_LINE_OCTETS 4096 /* of a request */
#define CONTROL_MAX_CLIENTS     32
#define CONTROL_IDLE_MS         10000 /* to send a whole request, or to take a reply */

struct control;
struct control_request;

/* One row for each command. `run` must see to it that the request is answered exactly once, by
 * control_reply() or control_refuse(): before it returns or any time later, on the same loop. A request stays
 * valid until it is answered, even when the client has left or the socket was closed meanwhile. */
struct control_command {
    const char *name;
    void (*run)(struct control_request *request, void *owner);
};

/* Listens at `path` with mode 0660. A socket that nobody answers on is removed first; anything else in its
 * place is left alone and refused. From then on the process ignores SIGPIPE. `commands` (of `count`) must
 * live as long as the socket; "version" is answered here. NULL, and `why` (of `why_octets`) says what is
 * wrong and what to do. */
struct control *control_open(uv_loop_t *loop, const char *path, const struct control_command *commands,
                             size_t count, void *owner, char *why, size_t why_octets);

/* Closes the clients, stops listening and removes the socket file if it is still ours. Memory goes when the
 * loop has run the close callbacks. */
void control_close(struct control *control);

/* The member `name` of the request when it is a text; else NULL. Lives as long as the request. */
const char *control_text(const struct control_request *request, const char *name);

/* The whole request, an object. Borrowed. */
const json_t *control_body(const struct control_request *request);

/* Answers with `body`, an object whose reference is taken over, and "ok": true. NULL: nothing but "ok". */
void control_reply(struct control_request *request, json_t *body);

/* Answers with `json` of `octets`, a whole object that another process wrote: passed on unread, in one
 * line. */
void control_reply_text(struct control_request *request, const char *json, size_t octets);

/* Answers with "ok": false and `body`'s members beside an error. `body` (may be NULL) is taken over. */
void control_refuse(struct control_request *request, json_t *body, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Findings as an array of {"level", "file", "line", "text"}. New reference. */
json_t *control_findings(const struct findings *findings);

#endif
