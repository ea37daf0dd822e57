/* sqlite_sql.h: every statement that docmill sends to SQLite, and the columns of every record. Private to this
 * room.
 *
 * A record's columns are one list: the statements below and the code that binds and reads them (sqlite_row.c)
 * are made from it, so that they cannot come apart. Rows are always updated column by column, never replaced: a
 * column that a newer docmill added keeps its value when this one writes the row.
 *
 * Every table begins its key with (file, tenant): ids grow with time, so what is written together lies together,
 * and no statement can name a record without its tenant. */
#ifndef DM_EMBEDDED_SQLITE_SQL_H
#define DM_EMBEDDED_SQLITE_SQL_H

/* FIRST and X: column, kind (sqlite_row.c), member of the record. The SHOWN ones are what DM_PART_SHOWN asks for: every
 * column costs some time to read, and polls are most of what is read. */

#define DM_DOCUMENT_SHOWN_COLUMNS(FIRST, X)                                                                            \
    FIRST(name, TEXT, name)                                                                                            \
    X(media, MEDIA, media)                                                                                             \
    X(size_bytes, U64, size_bytes)                                                                                     \
    X(sha256, CHARS, sha256)                                                                                           \
    X(metadata, TEXT, metadata)                                                                                        \
    X(model, TEXT, model)                                                                                              \
    X(priority, U32, priority)                                                                                         \
    X(deleted_ms, I64, deleted_ms)
#define DM_DOCUMENT_COLUMNS(FIRST, X)                                                                                  \
    DM_DOCUMENT_SHOWN_COLUMNS(FIRST, X)                                                                                \
    X(format, U32, format)                                                                                             \
    X(pages, TEXT, pages)                                                                                              \
    X(password, TEXT, password)                                                                                        \
    X(created_ms, I64, created_ms)

#define DM_STATE_SHOWN_COLUMNS(FIRST, X)                                                                               \
    FIRST(status, STATUS, status)                                                                                      \
    X(epoch, U32, epoch)                                                                                               \
    X(version, U64, version)                                                                                           \
    X(seq, U64, seq)                                                                                                   \
    X(total, U32, total)                                                                                               \
    X(processed, U32, processed)                                                                                       \
    X(failed, U32, failed)                                                                                             \
    X(skipped, U32, skipped)                                                                                           \
    X(remaining, U32, remaining)                                                                                       \
    X(outcome, OUTCOME, outcome)                                                                                       \
    X(reason, REASON, reason)                                                                                          \
    X(detail, CHARS, detail)                                                                                           \
    X(uploaded_ms, I64, uploaded_ms)                                                                                   \
    X(started_ms, I64, started_ms)                                                                                     \
    X(completed_ms, I64, completed_ms)                                                                                 \
    X(model_calls, U64, usage.model_calls)                                                                             \
    X(input_tokens, U64, usage.input_tokens)                                                                           \
    X(output_tokens, U64, usage.output_tokens)                                                                         \
    X(model_ms, U64, usage.model_ms)                                                                                   \
    X(cost_micros, U64, usage.cost_micros)                                                                             \
    X(result_epoch, U32, result_epoch)                                                                                 \
    X(gone, U32, gone)
#define DM_STATE_COLUMNS(FIRST, X)                                                                                     \
    DM_STATE_SHOWN_COLUMNS(FIRST, X)                                                                                   \
    X(format, U32, format)                                                                                             \
    X(progress_ms, I64, progress_ms)                                                                                   \
    X(lease_owner, CHARS, lease.owner)                                                                                 \
    X(lease_counter, U64, lease.counter)                                                                               \
    X(lease_until_ms, I64, lease.until_ms)                                                                             \
    X(aggregations, U32, aggregations)                                                                                 \
    X(result_bytes, U64, result_bytes)                                                                                 \
    X(due_ms, I64, due_ms)

/* Beside these, `chosen` and `returned`: ranges as text (sqlite_row.c). */
#define DM_WORK_COLUMNS(FIRST, X)                                                                                      \
    FIRST(format, U32, format)                                                                                         \
    X(version, U64, version)                                                                                           \
    X(epoch, U32, epoch)                                                                                               \
    X(split_needed, FLAG, split_needed)                                                                                \
    X(split_losses, U32, split_losses)                                                                                 \
    X(cursor, U32, cursor)                                                                                             \
    X(next_claim, U64, next_claim)                                                                                     \
    X(key, WORK_KEY, key)                                                                                              \
    X(due_ms, I64, due_ms)                                                                                             \
    X(priority, U32, priority)                                                                                         \
    X(created_ms, I64, created_ms)

#define DM_CLAIM_COLUMNS(FIRST, X)                                                                                     \
    FIRST(counter, U64, counter)                                                                                       \
    X(epoch, U32, epoch)                                                                                               \
    X(first, U32, first)                                                                                               \
    X(last, U32, last)                                                                                                 \
    X(losses, U32, losses)                                                                                             \
    X(owner, CHARS, owner)                                                                                             \
    X(lease_until_ms, I64, lease_until_ms)

#define DM_PAGE_COLUMNS(FIRST, X)                                                                                      \
    FIRST(number, U32, number)                                                                                         \
    X(format, U32, format)                                                                                             \
    X(epoch, U32, epoch)                                                                                               \
    X(status, PAGE_STATUS, status)                                                                                     \
    X(reason, REASON, reason)                                                                                          \
    X(detail, TEXT, detail)                                                                                            \
    X(segment, TEXT, segment)                                                                                          \
    X(offset, U64, offset)                                                                                             \
    X(length, U32, length)                                                                                             \
    X(attempts, TEXT, attempts)                                                                                        \
    X(attempt_count, U32, attempt_count)                                                                               \
    X(model_calls, U64, usage.model_calls)                                                                             \
    X(input_tokens, U64, usage.input_tokens)                                                                           \
    X(output_tokens, U64, usage.output_tokens)                                                                         \
    X(model_ms, U64, usage.model_ms)                                                                                   \
    X(cost_micros, U64, usage.cost_micros)                                                                             \
    X(ended_ms, I64, ended_ms)

#define DM_EVENT_COLUMNS(FIRST, X)                                                                                     \
    FIRST(seq, U64, seq)                                                                                               \
    X(format, U32, format)                                                                                             \
    X(type, EVENT_TYPE, type)                                                                                          \
    X(at_ms, I64, at_ms)                                                                                               \
    X(data, TEXT, data)

#define DM_IDEM_COLUMNS(FIRST, X)                                                                                      \
    FIRST(request, CHARS, request)                                                                                     \
    X(file, CHARS, file.id)                                                                                            \
    X(expires_ms, I64, expires_ms)

#define DM_SQL_FIRST(name, kind, member) #name
#define DM_SQL_NEXT(name, kind, member) "," #name
#define DM_SQL_D_FIRST(name, kind, member) "d." #name
#define DM_SQL_D_NEXT(name, kind, member) ",d." #name
#define DM_SQL_S_NEXT(name, kind, member) ",s." #name
#define DM_SQL_SLOT(name, kind, member) ",?"
#define DM_SQL_SET_FIRST(name, kind, member) #name "=?"
#define DM_SQL_SET_NEXT(name, kind, member) "," #name "=?"
#define DM_SQL_TAKE_FIRST(name, kind, member) #name "=excluded." #name
#define DM_SQL_TAKE_NEXT(name, kind, member) "," #name "=excluded." #name

#define DM_SQL_LIST(columns) columns(DM_SQL_FIRST, DM_SQL_NEXT)
#define DM_SQL_MORE(columns) columns(DM_SQL_NEXT, DM_SQL_NEXT)
#define DM_SQL_SLOTS(columns) columns(DM_SQL_SLOT, DM_SQL_SLOT)
#define DM_SQL_SETS(columns) columns(DM_SQL_SET_FIRST, DM_SQL_SET_NEXT)
#define DM_SQL_TAKES(columns) columns(DM_SQL_TAKE_FIRST, DM_SQL_TAKE_NEXT)

#define DM_SQL_BOTH                                                                                                    \
    DM_DOCUMENT_COLUMNS(DM_SQL_D_FIRST, DM_SQL_D_NEXT)                                                                 \
    DM_STATE_COLUMNS(DM_SQL_S_NEXT, DM_SQL_S_NEXT)
#define DM_SQL_SHOWN                                                                                                   \
    DM_DOCUMENT_SHOWN_COLUMNS(DM_SQL_D_FIRST, DM_SQL_D_NEXT)                                                           \
    DM_STATE_SHOWN_COLUMNS(DM_SQL_S_NEXT, DM_SQL_S_NEXT)
#define DM_SQL_FROM_BOTH                                                                                               \
    " FROM document d JOIN state s ON s.file=d.file AND s.tenant=d.tenant WHERE d.file=?1 AND d.tenant=?2"
#define DM_SQL_THIS " WHERE file=?1 AND tenant=?2"

#define DM_SQL_STATEMENTS(X) /* name, text */                                                                          \
    X(BEGIN, "BEGIN")                                                                                                  \
    X(BEGIN_IMMEDIATE, "BEGIN IMMEDIATE")                                                                              \
    X(COMMIT, "COMMIT")                                                                                                \
    X(ROLLBACK, "ROLLBACK")                                                                                            \
    X(SAVEPOINT, "SAVEPOINT one")                                                                                      \
    X(RELEASE, "RELEASE one")                                                                                          \
    X(ROLLBACK_TO, "ROLLBACK TO one")                                                                                  \
                                                                                                                       \
    X(READ_BOTH, "SELECT " DM_SQL_BOTH DM_SQL_FROM_BOTH)                                                               \
    X(READ_SHOWN, "SELECT " DM_SQL_SHOWN DM_SQL_FROM_BOTH)                                                             \
    X(READ_DOCUMENT, "SELECT " DM_SQL_LIST(DM_DOCUMENT_COLUMNS) " FROM document" DM_SQL_THIS)                          \
    X(READ_STATE, "SELECT " DM_SQL_LIST(DM_STATE_COLUMNS) " FROM state" DM_SQL_THIS)                                   \
    X(READ_WORK, "SELECT " DM_SQL_LIST(DM_WORK_COLUMNS) ",chosen,returned FROM work" DM_SQL_THIS)                      \
    X(READ_CLAIMS, "SELECT " DM_SQL_LIST(DM_CLAIM_COLUMNS) " FROM claim" DM_SQL_THIS " ORDER BY counter")              \
    X(READ_PAGES, "SELECT " DM_SQL_LIST(DM_PAGE_COLUMNS) " FROM page" DM_SQL_THIS                                      \
                                                         " AND number BETWEEN ?3 AND ?4 ORDER BY number LIMIT ?5")     \
    X(READ_EVENTS,                                                                                                     \
      "SELECT " DM_SQL_LIST(DM_EVENT_COLUMNS) " FROM event" DM_SQL_THIS " AND seq>?3 ORDER BY seq LIMIT ?4")           \
    X(READ_IDEM, "SELECT " DM_SQL_LIST(DM_IDEM_COLUMNS) " FROM idem WHERE tenant=?1 AND key=?2 AND expires_ms>?3")     \
                                                                                                                       \
    X(LIST, "SELECT " DM_SQL_BOTH ",d.file,d.created_ms FROM document d"                                               \
            " CROSS JOIN state s ON s.file=d.file AND s.tenant=d.tenant"                                               \
            " WHERE d.tenant=?1 AND d.deleted_ms=0 AND d.created_ms>=?2 AND (d.created_ms,d.file)<(?3,?4)"             \
            " ORDER BY d.created_ms DESC,d.file DESC")                                                                 \
    X(READY_TENANTS, "SELECT tenant FROM work WHERE key='ready' AND tenant>?1 ORDER BY tenant LIMIT 1")                \
    X(READY, "SELECT file FROM work WHERE key='ready' AND tenant=?1 ORDER BY priority,created_ms,file LIMIT ?2")       \
    X(DUE,                                                                                                             \
      "SELECT file,tenant,min(due_ms) AS due FROM ("                                                                   \
      " SELECT * FROM (SELECT file,tenant,due_ms FROM state"                                                           \
      "  WHERE due_ms>0 AND due_ms<=?1 AND (due_ms,file,tenant)>(?3,?4,?5) ORDER BY due_ms,file,tenant LIMIT ?2)"      \
      " UNION ALL"                                                                                                     \
      " SELECT * FROM (SELECT file,tenant,due_ms FROM work"                                                            \
      "  WHERE key='due' AND due_ms<=?1 AND (due_ms,file,tenant)>(?3,?4,?5) ORDER BY due_ms,file,tenant LIMIT ?2))"    \
      " GROUP BY file,tenant ORDER BY due,file,tenant LIMIT ?2")                                                       \
    X(STALLED, "SELECT file,tenant,progress_ms FROM state"                                                             \
               " WHERE status IN('awaiting_upload','pending','chunking','processing','aggregating')"                   \
               " AND progress_ms<?1 AND (progress_ms,file,tenant)>(?2,?3,?4)"                                          \
               " ORDER BY progress_ms,file,tenant LIMIT ?5")                                                           \
    X(ENDED, "SELECT file,tenant FROM state WHERE (file,tenant)>(?1,?2)"                                               \
             " AND status IN('completed','failed','cancelled') ORDER BY file,tenant LIMIT ?3")                         \
    X(PAUSED, "SELECT 1 FROM pause WHERE tenant IN('',?1) LIMIT 1")                                                    \
    X(PAUSES, "SELECT tenant,since_ms FROM pause WHERE ?1 IS NULL OR tenant>?1 ORDER BY tenant LIMIT ?2")              \
    X(PUT_PAUSE, "INSERT INTO pause(tenant,since_ms) VALUES(?1,?2) ON CONFLICT DO NOTHING")                            \
    X(DROP_PAUSE, "DELETE FROM pause WHERE tenant=?1")                                                                 \
    X(DROP_PAUSES, "DELETE FROM pause")                                                                                \
    X(SECRET, "SELECT sealed,created_ms,changed_ms FROM secret WHERE tenant=?1 AND name=?2")                           \
    X(SECRETS, "SELECT tenant,name,created_ms,changed_ms FROM secret WHERE (tenant,name)>(?1,?2)"                      \
               " ORDER BY tenant,name LIMIT ?3")                                                                       \
    X(PUT_SECRET, "INSERT INTO secret(tenant,name,sealed,created_ms,changed_ms) VALUES(?1,?2,?3,?4,?4)"                \
                  " ON CONFLICT DO UPDATE SET sealed=?3,changed_ms=?4")                                                \
    X(DROP_SECRET, "DELETE FROM secret WHERE tenant=?1 AND name=?2")                                                   \
    X(OWNER, "SELECT tenant FROM document WHERE file=?1 AND deleted_ms=0 LIMIT 2")                                     \
                                                                                                                       \
    X(INSERT_DOCUMENT,                                                                                                 \
      "INSERT INTO document(file,tenant" DM_SQL_MORE(DM_DOCUMENT_COLUMNS) ") VALUES(?,?" DM_SQL_SLOTS(                 \
          DM_DOCUMENT_COLUMNS) ") ON CONFLICT DO NOTHING")                                                             \
    X(UPDATE_DOCUMENT, "UPDATE document SET " DM_SQL_SETS(DM_DOCUMENT_COLUMNS) " WHERE file=? AND tenant=?")           \
    X(INSERT_STATE, "INSERT INTO state(file,tenant" DM_SQL_MORE(DM_STATE_COLUMNS) ") VALUES(?,?" DM_SQL_SLOTS(         \
                        DM_STATE_COLUMNS) ") ON CONFLICT DO NOTHING")                                                  \
    X(UPDATE_STATE, "UPDATE state SET " DM_SQL_SETS(DM_STATE_COLUMNS) " WHERE file=? AND tenant=? AND version=?")      \
    X(INSERT_WORK,                                                                                                     \
      "INSERT INTO work(file,tenant" DM_SQL_MORE(DM_WORK_COLUMNS) ",chosen,returned) VALUES(?,?" DM_SQL_SLOTS(         \
          DM_WORK_COLUMNS) ",?,?) ON CONFLICT DO NOTHING")                                                             \
    X(UPDATE_WORK, "UPDATE work SET " DM_SQL_SETS(DM_WORK_COLUMNS) ",chosen=?,returned=?"                              \
                                                                   " WHERE file=? AND tenant=? AND version=?")         \
    X(INSERT_CLAIM, "INSERT INTO claim(file,tenant" DM_SQL_MORE(DM_CLAIM_COLUMNS) ") VALUES(?,?" DM_SQL_SLOTS(         \
                        DM_CLAIM_COLUMNS) ") ON CONFLICT DO NOTHING")                                                  \
    X(RENEW_CLAIM, "UPDATE claim SET lease_until_ms=?4" DM_SQL_THIS " AND counter=?3")                                 \
    X(KEEP_CLAIM, "SELECT 1 FROM claim" DM_SQL_THIS " AND counter=?3")                                                 \
    X(DELETE_CLAIM, "DELETE FROM claim" DM_SQL_THIS " AND counter=?3")                                                 \
    X(TAKE_CLAIM, "DELETE FROM claim" DM_SQL_THIS " AND counter=?3 AND lease_until_ms=?4")                             \
    X(PUT_PAGE,                                                                                                        \
      "INSERT INTO page(file,tenant" DM_SQL_MORE(DM_PAGE_COLUMNS) ") VALUES(?,?" DM_SQL_SLOTS(                         \
          DM_PAGE_COLUMNS) ") ON CONFLICT(file,tenant,number) DO UPDATE SET " DM_SQL_TAKES(DM_PAGE_COLUMNS) " WHERE "  \
                                                                                                            "page."    \
                                                                                                            "epoch<"   \
                                                                                                            "excluded" \
                                                                                                            ".epoch")  \
    X(INSERT_EVENT, "INSERT INTO event(file,tenant" DM_SQL_MORE(DM_EVENT_COLUMNS) ") VALUES(?,?" DM_SQL_SLOTS(         \
                        DM_EVENT_COLUMNS) ") ON CONFLICT DO NOTHING")                                                  \
    X(PUT_IDEM,                                                                                                        \
      "INSERT INTO idem(tenant,key" DM_SQL_MORE(DM_IDEM_COLUMNS) ") VALUES(?1,?2" DM_SQL_SLOTS(                        \
          DM_IDEM_COLUMNS) ") ON CONFLICT(tenant,key) DO UPDATE SET " DM_SQL_TAKES(DM_IDEM_COLUMNS) " WHERE "          \
                                                                                                    "idem.expires_ms<" \
                                                                                                    "=?")              \
    X(DROP_IDEM, "DELETE FROM idem WHERE (tenant,key) IN"                                                              \
                 " (SELECT tenant,key FROM idem WHERE expires_ms<=?1 ORDER BY expires_ms LIMIT 4)")                    \
                                                                                                                       \
    X(ERASE_PAGES, "DELETE FROM page" DM_SQL_THIS " AND number IN"                                                     \
                   " (SELECT number FROM page" DM_SQL_THIS " ORDER BY number LIMIT ?3)")                               \
    X(ERASE_EVENTS, "DELETE FROM event" DM_SQL_THIS " AND seq IN"                                                      \
                    " (SELECT seq FROM event" DM_SQL_THIS " ORDER BY seq LIMIT ?3)")                                   \
    X(ERASE_CLAIMS, "DELETE FROM claim" DM_SQL_THIS " AND counter IN"                                                  \
                    " (SELECT counter FROM claim" DM_SQL_THIS " ORDER BY counter LIMIT ?3)")                           \
    X(ERASE_WORK, "DELETE FROM work" DM_SQL_THIS)                                                                      \
    X(ERASE_DOCUMENT, "DELETE FROM document" DM_SQL_THIS)                                                              \
    X(ERASE_STATE, "DELETE FROM state" DM_SQL_THIS)                                                                    \
    X(PROBE, "UPDATE probe SET count=count+1")

#define DM_SQL_ENUM(name, text) DM_SQL_##name,
enum dm_sql { DM_SQL_STATEMENTS(DM_SQL_ENUM) DM_SQL_COUNT };
#undef DM_SQL_ENUM

#endif
