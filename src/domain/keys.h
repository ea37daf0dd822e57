/* keys.h: names of blobs. The tenant is not part of a key: blob calls take it first, as {tenantId}/… on S3.
 *
 *   {fileId}/source
 *   {fileId}/pages/seg-<epoch>-<first page>-<claim counter>-<n>.jsonl    put once, never overwritten
 *   {fileId}/results-<epoch>.json
 *   {fileId}/reduction-<epoch>.json                                      what was said of the document as a whole
 *   {fileId}/results-<epoch>.<md|jsonl>                                  derived from the result
 *   {fileId}/images/<page>-<long edge>.<jpg|png>                         derived: may vanish at any time */
#ifndef DM_DOMAIN_KEYS_H
#define DM_DOMAIN_KEYS_H

#include "domain/media.h"
#include "domain/tenant.h"

enum { DM_BLOB_KEY_MAX = 160 };

struct dm_blob_key {
    char text[DM_BLOB_KEY_MAX];
};

struct dm_blob_key dm_key_document(const struct dm_file *file); /* prefix of all of a document's blobs, ends with '/' */
struct dm_blob_key dm_key_source(const struct dm_file *file);
struct dm_blob_key dm_key_segments(const struct dm_file *file); /* prefix of all its segments */
struct dm_blob_key dm_key_segment(const struct dm_file *file, uint32_t epoch, uint32_t first_page, uint64_t claim,
                                  uint32_t n);
/* `ending` is ".json", ".md" or ".jsonl". */
struct dm_blob_key dm_key_results(const struct dm_file *file, uint32_t epoch, const char *ending);
struct dm_blob_key dm_key_reduction(const struct dm_file *file, uint32_t epoch);
/* What there is of an unfinished result, for one reader, by a number of its own: derived. */
struct dm_blob_key dm_key_partial(const struct dm_file *file, uint64_t reader, const char *ending);
struct dm_blob_key dm_key_images(const struct dm_file *file); /* prefix of all pictures of its pages */
struct dm_blob_key dm_key_image(const struct dm_file *file, uint32_t page, uint32_t long_edge, enum dm_media media);
/* The epoch in a segment's key; 0 where it is none. */
uint32_t dm_key_segment_epoch(struct dm_str key);
/* The first page of the claim that it was written under: its pages are this one and those that a claim may have after it. */
uint32_t dm_key_segment_first(struct dm_str key);

#endif
