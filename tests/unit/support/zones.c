/* SPDX-License-Identifier: BSD-2-Clause */
#include "zones.h"

#include "answer/context.h"
#include "base/finding.h"
#include "wire/name.h"
#include "wire/writer.h"
#include "zone/compile.h"
#include "zone/read.h"
#include "zone/set.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct zone_image *zones_compile(const char *name, const char *text)
{
    uint8_t apex[NAME_MAX_OCTETS];
    struct zone_text loaded;
    struct zone_records records;
    struct findings findings = {0};
    const uint8_t digest[IMAGE_DIGEST_OCTETS] = {0};
    const char *why = "the text has errors";
    struct zone_image *image = NULL;

    zone_records_init(&records);
    if (name_from_text(apex, name) == 0 || zone_text_of_memory(&loaded, "test.zone", text, strlen(text)) < 0)
        abort();
    if (zone_read(&records, &loaded, apex, &findings, NULL)) {
        zone_records_sort(&records);
        image = zone_compile(&records, digest, &why);
    }
    if (image == NULL) {
        findings_log(&findings);
        fprintf(stderr, "%s: %s\n", name, why);
        abort();
    }
    findings_free(&findings);
    zone_records_free(&records);
    zone_text_free(&loaded);
    return image;
}

struct zone_image *zones_compile_file(const char *name, const char *file)
{
    static char text[1 << 20];
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/zones/%s", HITHER_TESTS, file);
    FILE *in = fopen(path, "r");
    size_t octets = in != NULL ? fread(text, 1, sizeof text - 1, in) : 0;
    if (octets == 0) {
        fprintf(stderr, "can't read %s\n", path);
        abort();
    }
    fclose(in);
    text[octets] = '\0';
    return zones_compile(name, text);
}

void zones_publish(struct zone_image **images, size_t count)
{
    struct zone_set *set = zone_set_new(images, count);
    if (set == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        zone_image_release(images[i]);
    zone_set_publish(set);
}

size_t zones_question_bytes(const struct zones_question *question, uint8_t *query)
{
    struct writer w = writer_to(query, 512);
    uint8_t name[NAME_MAX_OCTETS];
    size_t octets = name_from_text(name, question->name);
    bool edns = question->udp_octets > 0 || question->dnssec_ok > 0;
    writer_u16(&w, 4711);
    writer_u16(&w, 0);
    writer_u16(&w, 1);
    writer_u32(&w, 0);
    writer_u16(&w, edns ? 1 : 0);
    writer_bytes(&w, name, octets);
    writer_u16(&w, (uint16_t)ldns_get_rr_type_by_name(question->type));
    writer_u16(&w, 1);
    if (edns) {
        writer_u8(&w, 0);
        writer_u16(&w, 41);
        writer_u16(&w, (uint16_t)question->udp_octets);
        writer_u32(&w, question->dnssec_ok > 0 ? 0x8000 : 0);
        writer_u16(&w, 0);
    }
    if (w.failed)
        abort();
    return writer_offset(&w);
}

size_t zones_answer(const uint8_t *query, size_t octets, enum answer_transport transport, uint8_t *response)
{
    static struct worker_stats stats;
    struct answer_context context = {.stats = &stats};
    struct answer_message message = {
        .query = query, .query_octets = octets, .response = response, .response_capacity = 65535};
    answer_batch(&context, transport, &message, 1);
    return message.response_octets;
}

/* Appends one section's records, sorted; an RRSIG is cut behind the type that it covers. */
static void print_section(FILE *out, const char *title, ldns_rr_list *list)
{
    if (ldns_rr_list_rr_count(list) == 0)
        return;
    ldns_rr_list_sort(list);
    fprintf(out, "%s:\n", title);
    for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
        ldns_rr *rr = ldns_rr_list_rr(list, i);
        char *text = ldns_rr2str(rr);
        char *end = text;
        unsigned fields = ldns_rr_get_type(rr) == LDNS_RR_TYPE_RRSIG ? 5 : 100;
        for (; *end != '\0' && *end != '\n'; end++) {
            if (*end == '\t' || *end == ' ') {
                *end = ' ';
                if (--fields == 0)
                    break;
            }
        }
        *end = '\0';
        fprintf(out, "%s\n", text);
        free(text);
    }
}

char *zones_answer_text(const struct zones_question *question)
{
    uint8_t query[512];
    static uint8_t response[65535];
    char *text = NULL;
    size_t size = 0;
    ldns_pkt *packet = NULL;
    FILE *out = open_memstream(&text, &size);
    size_t octets = zones_answer(query, zones_question_bytes(question, query), question->transport, response);
    if (out == NULL)
        abort();
    if (octets == 0) {
        fprintf(out, "dropped\n");
    } else if (ldns_wire2pkt(&packet, response, octets) != LDNS_STATUS_OK) {
        fprintf(out, "ldns can't read it\n");
    } else {
        char *rcode = ldns_pkt_rcode2str(ldns_pkt_get_rcode(packet));
        fprintf(out, "%s%s%s\n", rcode, ldns_pkt_aa(packet) ? " aa" : "", ldns_pkt_tc(packet) ? " tc" : "");
        print_section(out, "answer", ldns_pkt_answer(packet));
        print_section(out, "authority", ldns_pkt_authority(packet));
        print_section(out, "additional", ldns_pkt_additional(packet));
        free(rcode);
        ldns_pkt_free(packet);
    }
    fclose(out);
    return text;
}
