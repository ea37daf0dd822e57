/* answer.h: private to api: making the response of an exchange. */
#ifndef DM_API_ANSWER_H
#define DM_API_ANSWER_H

#include "exchange.h"

/* A literal into a buffer. */
#define DM_LIT(buf, literal) dm_buf_add((buf), DM_STR(literal))

void dm_add_number(struct dm_buf *buf, uint64_t number);
/* An instant in quotation marks, or null for 0. */
void dm_add_instant(struct dm_buf *buf, int64_t wall_ms);

/* Forgets what was begun of an answer. */
void dm_answer_begin(struct dm_exchange *x);
/* Both end with NUL, and live until the exchange ends. Empty values are left out. */
void dm_answer_field(struct dm_exchange *x, const char *name, const char *value);
void dm_answer_fieldf(struct dm_exchange *x, const char *name, const char *format, ...) DM_PRINTF(3, 4);
/* Sends what is in x->out. `type` NULL: no body. */
enum dm_next dm_answer(struct dm_exchange *x, unsigned status, const char *type);
enum dm_next dm_answer_json(struct dm_exchange *x, unsigned status);
/* Takes the descriptor. */
enum dm_next dm_answer_file(struct dm_exchange *x, unsigned status, const char *type, int fd, uint64_t offset,
                            uint64_t length);

/* The problem with a sentence: what was wrong, and what to do. */
enum dm_next dm_refuse(struct dm_exchange *x, enum dm_problem problem, const char *format, ...) DM_PRINTF(3, 4);
/* The same with further members, like ",\"fileId\":\"…\"". */
enum dm_next dm_refuse_with(struct dm_exchange *x, enum dm_problem problem, int64_t retry_after_s,
                            struct dm_str members, const char *format, ...) DM_PRINTF(5, 6);
/* By the table from code to problem. What is docmill's own fault is logged here, once. */
enum dm_next dm_refuse_code(struct dm_exchange *x, const struct dm_err *err);
/* With all wrong fields. */
enum dm_next dm_refuse_wrong(struct dm_exchange *x);

/* "https://host:port", without a slash at its end; nothing where nothing says it: the URL is a path then. */
void dm_add_base_url(struct dm_exchange *x, struct dm_buf *buf);
/* Link rel="next": this request again, with another cursor. */
void dm_answer_next_link(struct dm_exchange *x, enum dm_param param, struct dm_str value);

#endif
