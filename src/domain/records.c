/* records.c: the closed lists of the records, as text. */
#include "domain/records.h"

#include "base/check.h"

static const char *const event_types[DM_EVENT_TYPE_COUNT] = { [DM_EVENT_NONE] = "",
#define DM_EVENT_ROW(name, wire) [DM_EVENT_##name] = wire,
                                                              DM_EVENT_TYPES(DM_EVENT_ROW)
#undef DM_EVENT_ROW
};

const char *dm_event_type_text(enum dm_event_type type)
{
    DM_CHECK(type >= DM_EVENT_NONE && type < DM_EVENT_TYPE_COUNT);
    return event_types[type];
}

bool dm_event_type_parse(struct dm_str text, enum dm_event_type *ret_type)
{
    for (int i = DM_EVENT_NONE + 1; i < DM_EVENT_TYPE_COUNT; i++) {
        if (!dm_str_eq(text, dm_str_z(event_types[i])))
            continue;
        *ret_type = (enum dm_event_type)i;
        return true;
    }
    return false;
}
