/* handlers.h: private to api: what each route does. A handler answers with DM_NEXT_RESPOND (answer.h), or with
 * DM_NEXT_WAIT after it filled the exchange's `wait`; it is called again then. */
#ifndef DM_API_HANDLERS_H
#define DM_API_HANDLERS_H

#include "api.h"

enum dm_next dm_on_upload(struct dm_exchange *x);
enum dm_next dm_on_list(struct dm_exchange *x);
enum dm_next dm_on_list_of_tenant(struct dm_exchange *x);
enum dm_next dm_on_job(struct dm_exchange *x);
enum dm_next dm_on_delete(struct dm_exchange *x);
enum dm_next dm_on_cancel(struct dm_exchange *x);
enum dm_next dm_on_retry(struct dm_exchange *x);
enum dm_next dm_on_results(struct dm_exchange *x);
enum dm_next dm_on_download(struct dm_exchange *x);
enum dm_next dm_on_blob(struct dm_exchange *x);
enum dm_next dm_on_pages(struct dm_exchange *x);
enum dm_next dm_on_page(struct dm_exchange *x);
enum dm_next dm_on_page_image(struct dm_exchange *x);
enum dm_next dm_on_page_retry(struct dm_exchange *x);
enum dm_next dm_on_events(struct dm_exchange *x);
enum dm_next dm_on_stuck(struct dm_exchange *x);
enum dm_next dm_on_redrive(struct dm_exchange *x);
enum dm_next dm_on_pause(struct dm_exchange *x);
enum dm_next dm_on_resume(struct dm_exchange *x);
enum dm_next dm_on_secrets(struct dm_exchange *x);
enum dm_next dm_on_secret_set(struct dm_exchange *x);
enum dm_next dm_on_secret_remove(struct dm_exchange *x);
enum dm_next dm_on_drain(struct dm_exchange *x);
enum dm_next dm_on_health(struct dm_exchange *x);
enum dm_next dm_on_live(struct dm_exchange *x);

#endif
