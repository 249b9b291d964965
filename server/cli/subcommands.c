/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/subcommands.h"

#include "cli/command.h"

#include <string.h>

const struct subcommand subcommands[] = {
    {"status", "", 0, 0, "is this PoP announced, since when, and why",
     "Shows the route's state, each prefix and neighbour, the zones and the queries answered.\n"},
    {"why", "", 0, 0, "the checks behind the route's state",
     "Shows the verdict, the rules it follows, and what each check of the last round found.\n"},
    {"drain", "", 0, 0, "take the route back, and go on answering",
     "Marks the routes with GRACEFUL_SHUTDOWN, waits announce.drain-wait, and withdraws them. Queries that "
     "still\n"
     "come are answered. `hither resume` takes it back. "
     "Lasts over restarts of hitherd.\n"},
    {"resume", "", 0, 0, "announce again after a drain",
     "The route comes back as soon as the checks are good.\n"},
    {"reload", "[ZONE]", 0, 1, "read the configuration and changed zones again",
     "Answers when it is done. What can't be taken is refused with file, line and reason, and what was "
     "being\n"
     "served stays. With ZONE only that zone's files are looked at.\n"},
    {"upgrade", "", 0, 0, "have the program on disk take over without losing a query",
     "For a new version that was put in the place of the old one. The new program judges the configuration "
     "and\n"
     "all zones first. Service sockets and BGP sessions are handed on: the route stays.\n"},
    {"zones", "", 0, 0, "the zones with state, serial and age",
     "States: served; stale (the newest text was refused, the one before is served); failed; loading.\n"},
    {"cache", "show NAME [TYPE] | flush NAME | dump", 1, 3, "what the resolver remembers, and how it forgets",
     "`show` tells of the answers that the workers' caches have for NAME, each worker's own: how long they "
     "last\n"
     "and what is in them. `dump` tells of all. With --json each is an object on a line of its own. `flush` "
     "forgets\n"
     "the answers for NAME, and what the searches have learned on their way, about any name.\n"},
    {"check", "[FILE]", 0, 1, "find everything that is wrong with a configuration and its zones",
     "Reads FILE, by default the configuration that hitherd would read, and every zone in it, and shows all\n"
     "findings with file and line. A FILE that ends in .zone is checked as that zone by itself. Needs no\n"
     "running daemon.\n"},
    {"replay", "FILE", 1, 1, "judge anew what led to each change of the route",
     "FILE is the flight.log of a server.state-dir. Each line has all that a verdict was made of: shows what "
     "was\n"
     "decided, and what this version would decide. Exit status 1 when that differs. Needs no running "
     "daemon.\n"},
    {"compile", "ZONE FILE", 2, 2, "compile a zone's text to an image file",
     "Reads the text of ZONE from FILE and writes the image that hitherd would serve: the same text gives "
     "the\n"
     "same bytes everywhere. Shows how far it is when that takes long.\n"},
};
const size_t subcommand_count = sizeof subcommands / sizeof subcommands[0];

const struct subcommand_option subcommand_options[] = {
    {"config", 'c', "FILE", NULL,
     "the configuration, which names the control socket (" CLI_DEFAULT_CONFIG ")"},
    {"socket", LETTER_SOCKET, "PATH", NULL, "the control socket itself"},
    {"json", LETTER_JSON, NULL, NULL, "the answer as JSON, for programs"},
    {"help", 'h', NULL, NULL, "this, or more about the command"},
    {"version", 'V', NULL, NULL, "the version of this program"},
    {"reason", LETTER_REASON, "TEXT", "drain", "told to the neighbours, and shown by `hither status`"},
    {"for", LETTER_FOR, "TIME", "drain", "takes itself back after 90s, 30m, 2h"},
    {"force", LETTER_FORCE, NULL, "drain", "even when the fleet knows of too few other PoPs that are up"},
    {"type", LETTER_TYPE, "TYPE", "cache", "of this type alone"},
    {"suffix", LETTER_SUFFIX, NULL, "cache", "names below NAME too"},
    {"output", 'o', "OUT", "compile", "where to; by default ZONE.image in this directory"},
};
const size_t subcommand_option_count = sizeof subcommand_options / sizeof subcommand_options[0];

const struct subcommand *subcommand_find(const char *name)
{
    for (size_t i = 0; i < subcommand_count; i++) {
        if (strcmp(subcommands[i].name, name) == 0)
            return &subcommands[i];
    }
    return NULL;
}

json_t *subcommands_as_json(void)
{
    json_t *commands = json_array();
    json_t *options = json_array();
    for (size_t i = 0; i < subcommand_count; i++) {
        const struct subcommand *sub = &subcommands[i];
        (void)json_array_append_new(commands,
                                    json_pack("{s:s, s:s, s:s, s:s}", "name", sub->name, "arguments",
                                              sub->arguments, "does", sub->does, "more", sub->more));
    }
    for (size_t i = 0; i < subcommand_option_count; i++) {
        const struct subcommand_option *option = &subcommand_options[i];
        const char letter[] = {option->letter < 256 ? (char)option->letter : '\0', '\0'};
        (void)json_array_append_new(options, json_pack("{s:s, s:s, s:s?, s:s?, s:s}", "name", option->name,
                                                       "letter", letter, "argument", option->argument,
                                                       "command", option->command, "does", option->does));
    }
    return json_pack("{s:s, s:o, s:o}", "version", HITHER_VERSION, "commands", commands, "options", options);
}
