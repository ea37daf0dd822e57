/* xml.h: private to aws: what S3 and STS answer in.
 *
 * A thin layer over expat for answers, not for documents: elements have either other elements or text in them, attributes and
 * namespaces' prefixes mean nothing, and everything is bounded (depth, lengths, elements). A document type is refused, so that
 * nothing can be declared that grows when it is used. */
#ifndef DM_AWS_XML_H
#define DM_AWS_XML_H

#include "base/buf.h"

enum { DM_AWS_XML_DEPTH_MAX = 16, DM_AWS_XML_TEXT_MAX = 24 * 1024, DM_AWS_XML_ELEMENTS_MAX = 100000 };

/* At the end of each element, with the names from the root on: "ListBucketResult/Contents/Key" and its text, and then
 * "ListBucketResult/Contents" with the empty one. Both live until it returns. Whatever it returns but DM_OK ends the reading. */
typedef enum dm_code dm_aws_xml_element(void *context, struct dm_str path, struct dm_str text, struct dm_err *err);

/* DM_CORRUPT: no well-formed XML, or more than the bounds; `what` names it in the sentence, which quotes nothing of it. Elements
 * before the fault have been handed over by then. */
DM_MUST_USE enum dm_code dm_aws_xml_read(struct dm_str text, const char *what, dm_aws_xml_element *element,
                                         void *context, struct dm_err *err);

/* Appends with &, <, > and quotation marks as entities. */
void dm_aws_xml_add_text(struct dm_buf *buf, struct dm_str text);

#endif
