/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Commands that the daemon answers: find its socket, ask, show.
 */
#include "cli/client.h"
#include "cli/command.h"
#include "cli/show.h"
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ASK_TIMEOUT_S 10

static const struct {
    const char *command;
    int timeout_s; /* 0: it answers when the thing is done */
    const char *argument;
    void (*show)(const struct show *show, const json_t *reply);
} asks[] = {
    {"status", ASK_TIMEOUT_S, NULL, show_status},
    {"why", ASK_TIMEOUT_S, NULL, show_why},
    {"zones", ASK_TIMEOUT_S, NULL, show_zones},
    {"drain", 0, NULL, show_done},
    {"resume", 0, NULL, show_done},
    {"reload", 0, "zone", show_done},
    {"upgrade", 0, NULL, show_done},
};

char *cli_find_socket(const struct cli_options *options)
{
    struct findings findings = {0};
    if (options->socket != NULL)
        return strdup(options->socket);
    if (options->config == NULL && access(CLI_DEFAULT_CONFIG, F_OK) != 0)
        return strdup(SETTINGS_DEFAULT_CONTROL);
    char *path = settings_control(options->config != NULL ? options->config : CLI_DEFAULT_CONFIG, &findings);
    if (path == NULL) {
        const struct show show = show_to(stderr);
        show_findings(&show, &findings);
        (void)fprintf(stderr, "hither: so the control socket isn't known: name it with --socket PATH\n");
    }
    findings_free(&findings);
    return path;
}

static enum cli_exit show_reply(size_t ask, const struct cli_options *options, const json_t *reply)
{
    const struct show out = show_to(stdout);
    const struct show err = show_to(stderr);
    bool ok = json_is_true(json_object_get(reply, "ok"));
    const char *error = json_string_value(json_object_get(reply, "error"));
    if (options->json) {
        (void)json_dumpf(reply, stdout, JSON_INDENT(2));
        (void)putchar('\n');
    } else if (ok) {
        asks[ask].show(&out, reply);
    } else {
        show_findings_json(&err, json_object_get(reply, "findings"));
        (void)fprintf(stderr, "hither: %s\n", error != NULL ? error : "hitherd refused without a reason");
    }
    return ok ? CLI_OK : CLI_REFUSED;
}

static json_t *make_request(size_t ask, const struct cli_options *options)
{
    json_t *request = json_pack("{s:s}", "command", asks[ask].command);
    if (asks[ask].argument != NULL && options->argument_count > 0)
        (void)json_object_set_new(request, asks[ask].argument, json_string(options->arguments[0]));
    if (options->reason != NULL)
        (void)json_object_set_new(request, "reason", json_string(options->reason));
    if (options->force)
        (void)json_object_set_new(request, "force", json_true());
    if (options->span != NULL)
        (void)json_object_set_new(request, "for", json_string(options->span));
    return request;
}

enum cli_exit cli_ask(const char *command, const struct cli_options *options)
{
    char why[512];
    size_t ask = 0;
    while (ask + 1 < sizeof asks / sizeof asks[0] && strcmp(asks[ask].command, command) != 0)
        ask++;
    char *path = cli_find_socket(options);
    if (path == NULL)
        return CLI_UNREACHABLE;
    json_t *request = make_request(ask, options);
    json_t *reply = client_ask(path, request, asks[ask].timeout_s, why, sizeof why);
    enum cli_exit status = CLI_UNREACHABLE;
    if (reply != NULL)
        status = show_reply(ask, options, reply);
    else
        (void)fprintf(stderr, "hither: %s\n", why);
    json_decref(reply);
    json_decref(request);
    free(path);
    return status;
}
