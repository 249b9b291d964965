/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/format.h"

image_ref image_node_after(const uint8_t *image, image_ref ref)
{
    const struct image_node *node = image_at(image, ref);
    const uint8_t *end = node_owner_cased(node) + node->owner_octets;
    if (node->rrset_count > 0) {
        struct rrset_view view = rrset_view(image, &node_entries(node)[node->rrset_count - 1]);
        end = view.records + rrset_view_octets(&view);
    }
    return (image_ref)(image_padded((size_t)(end - image)) / IMAGE_UNIT);
}

bool image_header_fits(const struct image_header *header, size_t octets)
{
    return octets >= sizeof *header && memcmp(header->magic, "hither\0z", 8) == 0 &&
           header->version == IMAGE_VERSION && header->octets == octets;
}
