/* calendar.c: instants. The first 8 bytes are one, the rest is text. */
#include "base/calendar.h"

#include <string.h>

#include "fuzz.h"

static const int64_t earliest_ms = -62167219200000, latest_ms = 253402300799999;

static void check_instant(int64_t wall_ms)
{
    char text[DM_TIME_TEXT], again[DM_TIME_TEXT];
    int64_t parsed;
    EXPECT(dm_time_parse(dm_time_text(wall_ms, text), &parsed));
    int64_t clipped = wall_ms < earliest_ms ? earliest_ms : wall_ms > latest_ms ? latest_ms : wall_ms;
    EXPECT(parsed == clipped);
    dm_time_text(parsed, again);
    EXPECT(strcmp(text, again) == 0);
    if (clipped < latest_ms) { /* texts sort like what they stand for */
        dm_time_text(clipped + 1, again);
        EXPECT(strcmp(text, again) < 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_of(data, size);
    int64_t wall_ms = 0;
    check_instant((int64_t)input_u64(&input));
    if (dm_time_parse(input_rest(&input), &wall_ms)) {
        EXPECT(wall_ms >= earliest_ms - DM_DAY_MS && wall_ms <= latest_ms + DM_DAY_MS + DM_SECOND_MS);
        check_instant(wall_ms);
    } else {
        EXPECT(wall_ms == 0);
    }
    input_free(&input);
    return 0;
}
