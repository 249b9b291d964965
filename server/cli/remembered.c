/* SPDX-License-Identifier: BSD-2-Clause
 *
 * `hither cache`: what the resolver remembers comes in pieces (resolve/clerk.h), each shown as it comes.
 */
#include "cli/client.h"
#include "cli/command.h"
#include "cli/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REMEMBERED_TIMEOUT_S 30

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

static json_int_t number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static void show_entry(const json_t *entry)
{
    char span[32];
    json_int_t left_s = number_of(entry, "left_s");
    (void)printf("%s %s %s %s", text_of(entry, "name"), text_of(entry, "class"), text_of(entry, "type"),
                 text_of(entry, "rcode"));
    if (left_s >= 0)
        (void)printf(", for another %s", show_span(left_s, span));
    else
        (void)printf(", ended %s ago", show_span(-left_s, span));
    const json_t *records = json_object_get(entry, "records");
    (void)printf(", %d+%d+%d records%s%s%s, worker %d\n", (int)json_integer_value(json_array_get(records, 0)),
                 (int)json_integer_value(json_array_get(records, 1)),
                 (int)json_integer_value(json_array_get(records, 2)),
                 json_is_true(json_object_get(entry, "secure")) ? ", validated" : "",
                 json_is_true(json_object_get(entry, "dnssec_ok")) ? ", with signatures" : "",
                 json_is_true(json_object_get(entry, "checking_disabled")) ? ", unchecked" : "",
                 (int)number_of(entry, "worker"));
}

static void show_entries(const json_t *entries, bool json)
{
    size_t i;
    json_t *entry;
    json_array_foreach(entries, i, entry)
    {
        if (!json) {
            show_entry(entry);
            continue;
        }
        (void)json_dumpf(entry, stdout, JSON_COMPACT);
        (void)putchar('\n');
    }
}

/* NULL when the command line is wrong. New reference. */
static json_t *make_request(const struct cli_options *options)
{
    const char *action = options->arguments[0];
    bool dump = strcmp(action, "dump") == 0;
    bool show = strcmp(action, "show") == 0;
    int most = dump ? 1 : show ? 3 : 2;
    const char *type = options->argument_count > 2 ? options->arguments[2] : options->type;
    if ((!dump && !show && strcmp(action, "flush") != 0) || options->argument_count > most ||
        (!dump && options->argument_count < 2))
        return NULL;
    json_t *request =
        json_pack("{s:s, s:s, s:b}", "command", "cache", "action", action, "suffix", (int)options->suffix);
    if (!dump)
        (void)json_object_set_new(request, "name", json_string(options->arguments[1]));
    if (type != NULL)
        (void)json_object_set_new(request, "type", json_string(type));
    return request;
}

static void show_reply(const json_t *reply, bool json)
{
    if (json_object_get(reply, "entries") != NULL)
        show_entries(json_object_get(reply, "entries"), json);
    else if (json) {
        (void)json_dumpf(reply, stdout, JSON_INDENT(2));
        (void)putchar('\n');
    } else if (json_is_true(json_object_get(reply, "ok")))
        (void)printf("%s\n", text_of(reply, "message"));
    if (!json && !json_is_true(json_object_get(reply, "ok")))
        (void)fprintf(stderr, "hither: %s\n", text_of(reply, "error"));
}

/* Asks until there is no more. Takes the request over. */
static enum cli_exit ask_for_all(const char *path, json_t *request, bool json)
{
    enum cli_exit status = CLI_OK;
    while (request != NULL && status == CLI_OK) {
        char why[512];
        json_t *reply = client_ask(path, request, REMEMBERED_TIMEOUT_S, why, sizeof why);
        json_int_t walk = number_of(reply, "walk");
        json_decref(request);
        request = NULL;
        if (reply == NULL) {
            (void)fprintf(stderr, "hither: %s\n", why);
            return CLI_UNREACHABLE;
        }
        show_reply(reply, json);
        status = json_is_true(json_object_get(reply, "ok")) ? CLI_OK : CLI_REFUSED;
        if (walk > 0)
            request =
                json_pack("{s:s, s:s, s:I}", "command", "cache", "action", "more", "walk", (json_int_t)walk);
        json_decref(reply);
    }
    json_decref(request);
    return status;
}

enum cli_exit cli_cache(const struct cli_options *options)
{
    json_t *request = make_request(options);
    if (request == NULL) {
        (void)fputs("hither: write hither cache show NAME [TYPE], flush NAME or dump\n", stderr);
        return CLI_USAGE;
    }
    char *path = cli_find_socket(options);
    if (path == NULL) {
        json_decref(request);
        return CLI_UNREACHABLE;
    }
    enum cli_exit status = ask_for_all(path, request, options->json);
    free(path);
    return status;
}
