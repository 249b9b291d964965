/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/bfd_heritage.h"

#include <stddef.h>
#include <string.h>

/* By names, because the heir may have another layout; all of them whole numbers that aren't negative. */
struct field {
    const char *name;
    size_t offset;
    size_t octets;
    int64_t least;
    int64_t most;
};

#define FIELD(member, least, most)                                                                           \
    {                                                                                                        \
#member, offsetof(struct bfd_fsm, member), sizeof(((struct bfd_fsm *)NULL)->member), least, most     \
    }

static const struct field fields[] = {
    FIELD(state, BFD_DOWN, BFD_UP),
    FIELD(diagnostic, 0, 31),
    FIELD(muted, 0, 1),
    FIELD(since, 0, INT64_MAX),
    FIELD(my_discriminator, 1, UINT32_MAX),
    FIELD(interval_us, 1, UINT32_MAX),
    FIELD(multiplier, 1, UINT8_MAX),
    FIELD(desired_tx_us, 1, UINT32_MAX),
    FIELD(required_rx_us, 1, UINT32_MAX),
    FIELD(tx_us, 1, UINT32_MAX),
    FIELD(rx_us, 1, UINT32_MAX),
    FIELD(polling, 0, 1),
    FIELD(poll_again, 0, 1),
    FIELD(remote_state, BFD_ADMIN_DOWN, BFD_UP),
    FIELD(remote_diagnostic, 0, 31),
    FIELD(remote_multiplier, 0, UINT8_MAX),
    FIELD(remote_demand, 0, 1),
    FIELD(your_discriminator, 0, UINT32_MAX),
    FIELD(remote_tx_us, 0, UINT32_MAX),
    FIELD(remote_rx_us, 0, UINT32_MAX),
    FIELD(sent_at, 0, INT64_MAX),
    FIELD(detect_at, 0, INT64_MAX),
};

#define FIELDS (sizeof fields / sizeof *fields)

static int64_t field_get(const struct bfd_fsm *fsm, const struct field *field)
{
    const uint8_t *at = (const uint8_t *)fsm + field->offset;
    uint32_t word;
    int64_t value;
    switch (field->octets) {
    case sizeof(uint8_t):
        return *at;
    case sizeof word:
        memcpy(&word, at, sizeof word);
        return word;
    default:
        memcpy(&value, at, sizeof value);
        return value;
    }
}

static void field_set(struct bfd_fsm *fsm, const struct field *field, int64_t value)
{
    uint8_t *at = (uint8_t *)fsm + field->offset;
    uint32_t word = (uint32_t)value;
    switch (field->octets) {
    case sizeof(uint8_t):
        *at = (uint8_t)value;
        break;
    case sizeof word:
        memcpy(at, &word, sizeof word);
        break;
    default:
        memcpy(at, &value, sizeof value);
        break;
    }
}

json_t *bfd_fsm_to_json(const struct bfd_fsm *fsm)
{
    json_t *json = json_object();
    for (size_t i = 0; i < FIELDS; i++)
        (void)json_object_set_new(json, fields[i].name, json_integer(field_get(fsm, &fields[i])));
    return json;
}

bool bfd_fsm_from_json(struct bfd_fsm *fsm, const json_t *json, struct mono now)
{
    struct bfd_fsm read = {0};
    for (size_t i = 0; i < FIELDS; i++) {
        const json_t *value = json_object_get(json, fields[i].name);
        int64_t number = json_integer_value(value);
        if (!json_is_integer(value) || number < fields[i].least || number > fields[i].most)
            return false;
        field_set(&read, &fields[i], number);
    }
    /* Nothing is planned: the first step plans the packets after this one. */
    read.send_at = now;
    *fsm = read;
    return true;
}
