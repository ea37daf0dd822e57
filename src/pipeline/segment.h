/* segment.h: the blob with the analyses of one commit: a line of JSON for each page.
 *
 *   {"pageNumber":3,"analysisBytes":812,"analysis":{…},"attempts":[…],"usage":{…},"text":"…"}
 *
 * The first three members stand in this order, so that the analysis is found without reading the rest.
 *
 * Private to the room. The ledger's PAGE record names the segment, the line's offset and length. Because a line holds
 * all that the record says, an answer whose commit was lost in a crash can be adopted from its segment instead of being
 * paid for again. */
#ifndef DM_PIPELINE_SEGMENT_H
#define DM_PIPELINE_SEGMENT_H

#include "base/json.h"
#include "step.h"

/* Appends the line with its newline; the page's usage and attempts are taken from the record. */
void dm_segment_add(struct dm_buf *segment, const struct dm_page *page, struct dm_str analysis, struct dm_str text);
/* A line, read. `ret_page` gets number, attempts, usage, status DONE; its texts live in `arena`. The caller owns
 * *ret_line. */
DM_MUST_USE enum dm_code dm_segment_parse(struct dm_str line, struct dm_arena *arena, json_t **ret_line,
                                          struct dm_page *ret_page, struct dm_err *err);
/* The analysis of a line as it stands there; DM_CORRUPT. */
DM_MUST_USE enum dm_code dm_segment_analysis(struct dm_str line, struct dm_str *ret, struct dm_err *err);
/* {"modelCalls":…,"inputTokens":…,…} */
void dm_usage_json(struct dm_buf *buf, const struct dm_usage *usage);
/* False where numbers are negative or beyond all measure. */
bool dm_usage_parse(const json_t *object, struct dm_usage *ret);

#endif
