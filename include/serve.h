/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The server process: its main thread, which loads zones, starts the workers, does what the announcer says
 * over the channel, and watches that the announcer is alive. It holds no route and has no privileges.
 *
 *     settings -> zone/reload -> workers (worker.h) -> shared_up.serving = 1
 */
#ifndef HITHER_SERVE_H
#define HITHER_SERVE_H

/* The server's exit statuses: 0 when it was told to leave. */
#define SERVE_EXIT_FAILED  1
#define SERVE_EXIT_REFUSED 3 /* what it was to serve is wrong; the log says what */

/* Runs as the server until told to leave. `descriptors` is SPAWN_VARIABLE's text, `settings_path` where the
 * configuration's text came from. The exit status. */
int serve_main(const char *descriptors, const char *settings_path);

#endif
