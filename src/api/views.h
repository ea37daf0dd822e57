/* views.h: private to api: what documents, pages and events look like in JSON. Written straight into the
 * answer, without trees: the state of a document is asked for more often than anything else. */
#ifndef DM_API_VIEWS_H
#define DM_API_VIEWS_H

#include "exchange.h"

/* Snapshot with DOCUMENT and STATE. */
void dm_add_job(struct dm_exchange *x, const struct dm_file *file, const struct dm_snapshot *snapshot);
/* Sets x->etag to the entity tag of that view at this time. */
void dm_job_etag(struct dm_exchange *x, const struct dm_state *state);
/* One of GET /jobs; `bare`: of GET /jobs/tenant/{tenantId}. */
void dm_add_job_row(struct dm_buf *out, const struct dm_list_row *row, bool bare);
void dm_add_usage(struct dm_buf *out, const struct dm_usage *usage);
/* The members of a page's view, without the closing brace. */
void dm_add_page_open(struct dm_buf *out, const struct dm_page_view *view);
void dm_add_event(struct dm_buf *out, const struct dm_tenant *tenant, const struct dm_file *file,
                  const struct dm_document *document, const struct dm_event *event);
/* Seconds until the document is likely to be finished; -1: not known. */
int64_t dm_eta_seconds(const struct dm_state *state, int64_t now_ms);

/* ---- signed links (links.c) ---- */

enum { DM_LINK_STEP_MS = 15 * 60 * 1000, DM_LINK_LIFE_MS = 60 * 60 * 1000 };

/* When a link made now ends: within an hour, and the same for a quarter of one, so that what holds it can be cached. */
int64_t dm_link_expiry(int64_t now_ms);
/* Appends the URL of the blob. */
DM_MUST_USE enum dm_code dm_link_add(struct dm_exchange *x, const struct dm_tenant *tenant, struct dm_str key,
                                     int64_t expires_ms, struct dm_buf *out, struct dm_err *err);
/* Whose blob a token stands for. DM_DENIED where it is forged, broken or over; `*ret_key` lives in x->arena. */
DM_MUST_USE enum dm_code dm_link_open(struct dm_exchange *x, struct dm_str token, struct dm_tenant *ret_tenant,
                                      struct dm_file *ret_file, struct dm_str *ret_key, struct dm_err *err);

#endif
