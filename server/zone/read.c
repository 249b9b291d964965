/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/read.h"

#include "wire/name.h"
#include "zone/lexer.h"
#include "zone/rdata.h"

#include <errno.h>
#include <inttypes.h>
#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What holds for the whole zone, across its files. */
struct zone_reader {
    struct zone_records *records;
    const struct zone_text *text;
    struct findings *findings;
    _Atomic uint64_t *done_octets;
    size_t errors_before;
    const struct zone_file *stack[ZONE_READ_MAX_DEPTH];
    unsigned depth;
    bool has_dollar_ttl;
    bool has_last_ttl;
    bool no_memory;
    uint32_t dollar_ttl;
    uint32_t last_ttl;
    uint8_t *rdata; /* room for RDATA_MAX_OCTETS and a little more */
};

/* What holds within one file. */
struct file_reader {
    struct zone_reader *zone;
    const struct zone_file *file;
    uint16_t number; /* among the records' files */
    uint32_t line;   /* of the entry being read */
    bool has_owner;
    uint8_t origin[NAME_MAX_OCTETS];
    uint8_t owner[NAME_MAX_OCTETS]; /* of the record before */
};

#define RDATA_ROOM (RDATA_MAX_OCTETS + 1024)

#define refuse(in, ...)                                                                                      \
    findings_add((in)->zone->findings, FINDING_ERROR, (in)->file->stamp.path, (in)->line, __VA_ARGS__)
#define warn(in, ...)                                                                                        \
    findings_add((in)->zone->findings, FINDING_WARNING, (in)->file->stamp.path, (in)->line, __VA_ARGS__)

static bool reader_gives_up(const struct zone_reader *zone)
{
    return zone->no_memory || zone->findings->errors - zone->errors_before >= ZONE_READ_MAX_ERRORS;
}

static void refuse_token(const struct file_reader *in, const struct zone_token *token, const char *reason)
{
    char shown[ZONE_TOKEN_SHOWN];
    refuse(in, "\"%s\": %s", zone_token_show(token, shown), reason);
}

/* The record being read. */
struct entry_reader {
    const struct zone_entry *entry;
    size_t at;
    bool has_ttl;
    bool has_class;
    struct zone_record record;
};

static const struct zone_token *entry_word(const struct entry_reader *e)
{
    return e->at < e->entry->count ? &e->entry->tokens[e->at] : NULL;
}

static bool owner_read(struct file_reader *in, struct entry_reader *e)
{
    if (e->entry->blank_owner) {
        if (!in->has_owner)
            refuse(in, "a record without an owner, and none before it: write the owner, or @ for the origin");
        return in->has_owner;
    }
    const char *reason = zone_token_name(&e->entry->tokens[0], in->origin, in->owner);
    in->has_owner = reason == NULL;
    e->at = 1;
    if (reason != NULL)
        refuse_token(in, &e->entry->tokens[0], reason);
    return reason == NULL;
}

static bool token_begins_with_digit(const struct zone_token *token)
{
    return !token->quoted && token->octets > 0 && token->text[0] >= '0' && token->text[0] <= '9';
}

/* TTL and class, each at most once, in either order (RFC 1035 5.1). */
static bool ttl_and_class_read(const struct file_reader *in, struct entry_reader *e)
{
    const struct zone_token *token;
    while ((token = entry_word(e)) != NULL) {
        int class = zone_token_class(token);
        if (!e->has_ttl && token_begins_with_digit(token)) {
            const char *reason = zone_token_period(token, ZONE_TTL_MAX, &e->record.ttl);
            if (reason != NULL) {
                refuse_token(in, token, "a TTL is 0 to 2147483647 seconds, or with units as in 1h30m");
                return false;
            }
            e->has_ttl = true;
        } else if (!e->has_class && class >= 0) {
            if (class != LDNS_RR_CLASS_IN) {
                refuse_token(in, token, "only the class IN is served");
                return false;
            }
            e->has_class = true;
        } else {
            return true;
        }
        e->at++;
    }
    return true;
}

/* Types that ask or carry something in a message, and are no data of a zone (RFC 6895 3.1). */
static bool type_is_meta(int type)
{
    return type == 0 || type == LDNS_RR_TYPE_OPT || (type >= 128 && type <= 255);
}

static bool type_read(const struct file_reader *in, struct entry_reader *e)
{
    const struct zone_token *token = entry_word(e);
    if (token == NULL) {
        refuse(in, "the record has no type");
        return false;
    }
    int type = zone_token_type(token);
    if (type < 0) {
        refuse_token(in, token,
                     "isn't a record type known here; any type can be written by number, as TYPE65280 \\# "
                     "LENGTH HEX (RFC 3597)");
        return false;
    }
    if (type_is_meta(type)) {
        refuse_token(in, token, "belongs in messages, not in a zone");
        return false;
    }
    e->record.type = (uint16_t)type;
    e->at++;
    return true;
}

/* SOA's MINIMUM: the last of its four times. */
static uint32_t soa_minimum(const uint8_t *rdata, size_t octets)
{
    const uint8_t *p = rdata + octets - 4;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool ttl_settle(const struct file_reader *in, struct entry_reader *e)
{
    struct zone_reader *zone = in->zone;
    struct zone_record *record = &e->record;
    if (!e->has_ttl && zone->has_dollar_ttl) {
        record->ttl = zone->dollar_ttl;
        return true;
    }
    if (!e->has_ttl && zone->has_last_ttl) {
        record->ttl = zone->last_ttl;
        return true;
    }
    if (!e->has_ttl) {
        if (record->type != LDNS_RR_TYPE_SOA) {
            refuse(in, "the record has no TTL, and there is none before it: write $TTL 3600 at the top");
            return false;
        }
        record->ttl = soa_minimum(record->rdata, record->rdata_octets) & ZONE_TTL_MAX;
        warn(in, "the SOA has no TTL: its minimum, %" PRIu32 ", is taken; write $TTL above it", record->ttl);
    }
    zone->has_last_ttl = true;
    zone->last_ttl = record->ttl;
    return true;
}

static void rdata_refuse(const struct file_reader *in, const struct entry_reader *e,
                         const struct zone_rdata_source *source, const char *reason)
{
    const struct zone_token *type = &e->entry->tokens[e->at - 1];
    char type_shown[ZONE_TOKEN_SHOWN];
    char shown[ZONE_TOKEN_SHOWN];
    zone_token_show(type, type_shown);
    if (!zone_rdata_has_text_form(e->record.type))
        refuse(in,
               "%s: its data can't be read as text here: write it as TYPE%u \\# LENGTH HEX (RFC 3597)%s%s",
               type_shown, e->record.type, source->at > 0 ? "; " : "", source->at > 0 ? reason : "");
    else if (source->at < source->count)
        refuse(in, "%s data \"%s\": %s", type_shown, zone_token_show(&source->tokens[source->at], shown),
               reason);
    else
        refuse(in, "%s: %s", type_shown, reason);
}

static bool record_rdata_read(const struct file_reader *in, struct entry_reader *e)
{
    struct writer w = writer_to(in->zone->rdata, RDATA_ROOM);
    struct zone_rdata_source source = {
        .tokens = e->entry->tokens + e->at,
        .count = e->entry->count - e->at,
        .origin = in->origin,
    };
    const char *reason = zone_rdata_read(e->record.type, &source, &w);
    if (reason != NULL) {
        rdata_refuse(in, e, &source, reason);
        return false;
    }
    e->record.rdata = in->zone->rdata;
    e->record.rdata_octets = (uint16_t)writer_offset(&w);
    return true;
}

static void record_add(struct file_reader *in, struct entry_reader *e)
{
    char owner[NAME_TEXT_MAX];
    char apex[NAME_TEXT_MAX];
    e->record.owner = in->owner;
    e->record.line = in->line;
    e->record.file = in->number;
    e->record.class = LDNS_RR_CLASS_IN;
    if (!name_is_at_or_below(in->owner, in->zone->records->apex)) {
        refuse(in, "%s is outside the zone %s", name_to_text(in->owner, owner),
               name_to_text(in->zone->records->apex, apex));
        return;
    }
    if (zone_records_add(in->zone->records, &e->record) != 0)
        in->zone->no_memory = true;
}

static void record_read(struct file_reader *in, const struct zone_entry *entry)
{
    struct entry_reader e = {.entry = entry};
    if (owner_read(in, &e) && ttl_and_class_read(in, &e) && type_read(in, &e) && record_rdata_read(in, &e) &&
        ttl_settle(in, &e))
        record_add(in, &e);
}

static void dollar_origin(struct file_reader *in, const struct zone_entry *entry)
{
    uint8_t name[NAME_MAX_OCTETS];
    if (entry->count != 2) {
        refuse(in, "$ORIGIN takes one name");
        return;
    }
    const char *reason = zone_token_name(&entry->tokens[1], in->origin, name);
    if (reason != NULL)
        refuse_token(in, &entry->tokens[1], reason);
    else
        memcpy(in->origin, name, name_octets(name));
}

static void dollar_ttl(struct file_reader *in, const struct zone_entry *entry)
{
    uint32_t ttl = 0;
    if (entry->count != 2 || zone_token_period(&entry->tokens[1], ZONE_TTL_MAX, &ttl) != NULL) {
        refuse(in, "$TTL takes 0 to 2147483647 seconds, or units as in 1h30m");
        return;
    }
    in->zone->dollar_ttl = ttl;
    in->zone->has_dollar_ttl = true;
}

static void file_read(struct zone_reader *zone, const struct zone_file *file, const uint8_t *origin);

/* Whether the file may be included here. */
static bool include_is_sound(const struct file_reader *in, const struct zone_token *token,
                             const struct zone_file *file)
{
    const struct zone_reader *zone = in->zone;
    char shown[ZONE_TOKEN_SHOWN];
    if (file == NULL) {
        refuse_token(in, token, "the file to include wasn't read");
        return false;
    }
    if (file->error != 0) {
        refuse(in, "%s, to be included here: %s", file->stamp.path, strerror(file->error));
        return false;
    }
    for (unsigned i = 0; i < zone->depth; i++) {
        if (zone->stack[i] == file) {
            refuse_token(in, token, "the file includes itself");
            return false;
        }
    }
    if (zone->depth == ZONE_READ_MAX_DEPTH) {
        refuse(in, "\"%s\": files include each other more than %d deep", zone_token_show(token, shown),
               ZONE_READ_MAX_DEPTH);
        return false;
    }
    return true;
}

static void dollar_include(struct file_reader *in, const struct zone_entry *entry)
{
    char path[ZONE_TEXT_PATH_MAX];
    uint8_t origin[NAME_MAX_OCTETS];
    const struct zone_token *tokens = entry->tokens;
    if (entry->count < 2 || entry->count > 3 || !zone_text_path(&tokens[1], path)) {
        refuse(in, "$INCLUDE takes a file, and perhaps the origin for it");
        return;
    }
    memcpy(origin, in->origin, sizeof origin);
    if (entry->count == 3) {
        const char *reason = zone_token_name(&tokens[2], in->origin, origin);
        if (reason != NULL) {
            refuse_token(in, &tokens[2], reason);
            return;
        }
    }
    const struct zone_file *file = zone_text_included(in->zone->text, in->file, path);
    if (include_is_sound(in, &tokens[1], file))
        file_read(in->zone, file, origin);
}

static void directive_read(struct file_reader *in, const struct zone_entry *entry)
{
    const struct zone_token *word = &entry->tokens[0];
    if (zone_token_is(word, "$ORIGIN"))
        dollar_origin(in, entry);
    else if (zone_token_is(word, "$TTL"))
        dollar_ttl(in, entry);
    else if (zone_token_is(word, "$INCLUDE"))
        dollar_include(in, entry);
    else if (zone_token_is(word, "$GENERATE"))
        refuse(in, "$GENERATE isn't part of the zone file format: write the records out, for instance with "
                   "named-compilezone");
    else
        refuse_token(
            in, word,
            "no such directive: there are $ORIGIN, $TTL and $INCLUDE (a name that begins with a dollar "
            "sign is written \\$)");
}

static bool entry_is_directive(const struct zone_entry *entry)
{
    const struct zone_token *first = &entry->tokens[0];
    return !first->quoted && first->octets > 0 && first->text[0] == '$';
}

static void entry_read(struct file_reader *in, const struct zone_entry *entry)
{
    in->line = entry->line;
    if (!entry_is_directive(entry))
        record_read(in, entry);
    else if (entry->blank_owner)
        refuse_token(in, &entry->tokens[0], "a directive begins in the first column");
    else
        directive_read(in, entry);
}

/* The file's number among the records' files; -1 when there are too many or memory is short. */
static int file_number(struct zone_reader *zone, const struct zone_file *file)
{
    struct zone_records *records = zone->records;
    const char *path = file->stamp.path;
    for (size_t i = 0; i < records->file_count; i++) {
        if (strcmp(records->files[i], path) == 0)
            return (int)i;
    }
    size_t octets = strlen(path) + 1;
    char *copy = arena_take(&records->arena, octets, 1);
    const char **files =
        arena_take(&records->arena, (records->file_count + 1) * sizeof *files, sizeof *files);
    if (copy == NULL || files == NULL || records->file_count == UINT16_MAX)
        return -1;
    memcpy(copy, path, octets);
    if (records->file_count > 0)
        memcpy(files, records->files, records->file_count * sizeof *files);
    files[records->file_count] = copy;
    records->files = files;
    return (int)records->file_count++;
}

static void count_done(struct zone_reader *zone, const struct zone_lexer *lexer, const char **counted)
{
    if (zone->done_octets == NULL || (lexer->at - *counted < 65536 && lexer->at != lexer->end))
        return;
    atomic_fetch_add_explicit(zone->done_octets, (uint64_t)(lexer->at - *counted), memory_order_relaxed);
    *counted = lexer->at;
}

static void file_read_entries(struct file_reader *in, struct zone_lexer *lexer)
{
    struct zone_reader *zone = in->zone;
    struct zone_entry entry;
    const char *counted = lexer->at;
    while (!reader_gives_up(zone)) {
        switch (zone_lexer_next(lexer, &entry)) {
        case ZONE_LEXER_ENTRY:
            entry_read(in, &entry);
            break;
        case ZONE_LEXER_BAD:
            in->line = lexer->bad_line;
            refuse(in, "%s", lexer->reason);
            break;
        case ZONE_LEXER_NO_MEMORY:
            zone->no_memory = true;
            break;
        case ZONE_LEXER_END:
            count_done(zone, lexer, &counted);
            return;
        }
        count_done(zone, lexer, &counted);
    }
}

static void file_read(struct zone_reader *zone, const struct zone_file *file, const uint8_t *origin)
{
    struct file_reader in = {.zone = zone, .file = file};
    struct zone_lexer lexer;
    int number = file_number(zone, file);
    if (number < 0) {
        zone->no_memory = true;
        return;
    }
    in.number = (uint16_t)number;
    memcpy(in.origin, origin, name_octets(origin));
    zone->stack[zone->depth++] = file;
    zone_lexer_init(&lexer, file->bytes, file->octets);
    file_read_entries(&in, &lexer);
    zone_lexer_free(&lexer);
    zone->depth--;
}

static bool apex_keep(struct zone_records *records, const uint8_t *apex)
{
    size_t octets = name_octets(apex);
    uint8_t *copy = arena_take(&records->arena, octets, 1);
    if (copy == NULL)
        return false;
    memcpy(copy, apex, octets);
    records->apex = copy;
    return true;
}

bool zone_read(struct zone_records *records, const struct zone_text *text, const uint8_t *apex,
               struct findings *findings, _Atomic uint64_t *done_octets)
{
    struct zone_reader zone = {
        .records = records,
        .text = text,
        .findings = findings,
        .done_octets = done_octets,
        .errors_before = findings->errors,
        .rdata = malloc(RDATA_ROOM),
    };
    const struct zone_file *file = &text->files[0];
    zone.no_memory = zone.rdata == NULL || !apex_keep(records, apex);
    if (!zone.no_memory)
        file_read(&zone, file, apex);
    if (zone.no_memory)
        findings_add(findings, FINDING_ERROR, file->stamp.path, 0, "memory is short");
    else if (reader_gives_up(&zone))
        findings_add(findings, FINDING_WARNING, file->stamp.path, 0,
                     "reading stopped after %d errors: there may be more", ZONE_READ_MAX_ERRORS);
    free(zone.rdata);
    return findings->errors == zone.errors_before;
}
