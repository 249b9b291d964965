/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A hostile image file: real images with octets overwritten. Whatever image_validate() lets through is walked
 * whole and asked about every name that it holds, with every kind of look-up and proof; nothing may leave the
 * image.
 *
 * The first octet of the input chooses the image, then each four octets are an edit: three of offset, one of
 * value.
 */
#include "../unit/support/zones.h"
#include "answer/context.h"
#include "wire/name.h"
#include "wire/writer.h"
#include "zone/format.h"
#include "zone/image.h"
#include "zone/memory.h"
#include "zone/set.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu-qsbr.h>

#define NODES_MOST 20

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets);

static struct zone_image *originals[3];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (sodium_init() < 0)
        abort();
    originals[0] = zones_compile_file("example.", "example.zone");
    originals[1] = zones_compile_file("nsec.example.", "signed-nsec.zone");
    originals[2] = zones_compile_file("nsec3.example.", "signed-nsec3.zone");
    /* Small images end where their memory does, so that the sanitizer sees who reads beyond. */
    for (size_t i = 0; i < sizeof originals / sizeof originals[0]; i++) {
        if (originals[i]->octets >= IMAGE_MEMORY_SMALL)
            abort();
    }
    urcu_qsbr_register_thread();
    return 0;
}

/* A copy of the original that the input chooses, with its edits; NULL when it was refused. */
static struct zone_image *edited(const uint8_t *data, size_t octets)
{
    const struct zone_image *original = originals[data[0] % 3];
    const char *why;
    uint8_t *bytes = image_memory_take(original->octets);
    if (bytes == NULL)
        abort();
    memcpy(bytes, original->bytes, original->octets);
    for (size_t i = 1; i + 4 <= octets; i += 4) {
        size_t at = (size_t)data[i] << 16 | (size_t)data[i + 1] << 8 | data[i + 2];
        bytes[at % original->octets] = data[i + 3];
    }
    return zone_image_adopt(bytes, original->octets, &why);
}

/* Asks for `prefix` below the node's owner. */
static void ask(const struct zone_image *image, const struct image_node *node, const char *prefix,
                uint16_t type)
{
    static uint8_t response[65535];
    uint8_t query[512];
    struct writer w = writer_to(query, sizeof query);
    writer_u32(&w, 0);
    writer_u32(&w, 0x00010000);
    writer_u32(&w, 1);
    writer_bytes(&w, prefix, strlen(prefix));
    writer_bytes(&w, node_owner(node), node->owner_octets);
    writer_bytes(&w, image->header->apex, image->header->apex_octets);
    writer_u16(&w, type);
    writer_u16(&w, 1);
    writer_u8(&w, 0);
    writer_u16(&w, 41);
    writer_u16(&w, 1232);
    writer_u32(&w, 0x8000);
    writer_u16(&w, 0);
    (void)zones_answer(query, writer_offset(&w), ANSWER_UDP, response);
    (void)zones_answer(query, writer_offset(&w), ANSWER_TCP, response);
}

static void ask_everything(const struct zone_image *image)
{
    static const uint16_t types[] = {1, 2, 5, 15, 43, 46, 47, 65, 255};
    unsigned asked = 0;
    for (image_ref at = image->header->nodes; at != image->header->nodes_end && asked < NODES_MOST; asked++) {
        const struct image_node *node = image_at(image->bytes, at);
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
            ask(image, node, "", types[i]);
        ask(image, node, "\1x", 1);
        ask(image, node, "\1x\1y", 28);
        ask(image, node, "\1*", 16);
        at = image_node_after(image->bytes, at);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t octets)
{
    if (octets < 1)
        return 0;
    struct zone_image *image = edited(data, octets);
    if (image != NULL) {
        urcu_qsbr_thread_offline();
        zones_publish(&image, 1);
        urcu_qsbr_thread_online();
        ask_everything(zone_set_at(zone_set_current(), 0));
        urcu_qsbr_thread_offline();
        zone_set_publish(NULL);
        urcu_qsbr_thread_online();
    }
    return 0;
}
