/* xml.c: see xml.h. */
#include "aws/xml.h"

#include <expat.h>

enum { PATH_MAX_BYTES = 1024, PIECE_BYTES = 1 << 20 };

struct reading {
    XML_Parser parser;
    struct dm_buf path;
    size_t lengths[DM_AWS_XML_DEPTH_MAX]; /* of the path above each level */
    uint32_t depth;
    uint32_t elements;
    bool parent; /* the element whose end comes has others in it */
    struct dm_buf text;
    dm_aws_xml_element *element;
    void *context;
    enum dm_code failed;
    struct dm_err why;
};

static void stop(struct reading *reading, const char *sentence)
{
    if (reading->failed == DM_OK)
        reading->failed = dm_fail(&reading->why, DM_CORRUPT, "%s", sentence);
    (void)XML_StopParser(reading->parser, XML_FALSE);
}

static void on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct reading *reading = context;
    struct dm_str local = dm_str_z(name);
    size_t colon = dm_str_find_char(local, ':');
    if (colon + 1 < local.len)
        local = dm_str_from(local, colon + 1);
    if (reading->depth == DM_AWS_XML_DEPTH_MAX || ++reading->elements > DM_AWS_XML_ELEMENTS_MAX) {
        stop(reading, "more elements than an answer may have");
        return;
    }
    reading->lengths[reading->depth++] = reading->path.len;
    if (reading->path.len > 0)
        dm_buf_add_char(&reading->path, '/');
    dm_buf_add(&reading->path, local);
    if (reading->path.failed)
        stop(reading, "names longer than an answer may have");
    dm_buf_clear(&reading->text);
    reading->parent = false;
}

static void on_end(void *context, const XML_Char *name)
{
    struct reading *reading = context;
    if (reading->failed != DM_OK)
        return;
    struct dm_str text = reading->parent ? DM_STR("") : dm_buf_str(&reading->text);
    enum dm_code rc = reading->element(reading->context, dm_buf_str(&reading->path), text, &reading->why);
    if (rc != DM_OK) {
        reading->failed = rc;
        (void)XML_StopParser(reading->parser, XML_FALSE);
    }
    dm_buf_cut(&reading->path, reading->lengths[--reading->depth]);
    dm_buf_clear(&reading->text);
    reading->parent = true;
}

static void on_text(void *context, const XML_Char *at, int len)
{
    struct reading *reading = context;
    dm_buf_add(&reading->text, dm_str_of(at, (size_t)len));
    if (reading->text.failed)
        stop(reading, "longer texts than an answer may have");
}

static void on_type(void *context, const XML_Char *name, const XML_Char *system, const XML_Char *public, int internal)
{
    stop(context, "a document type");
}

static enum XML_Status parse(struct reading *reading, struct dm_str text)
{
    /* Services begin with blanks where they have nothing to say for a while; a declaration may not come after any. */
    while (text.len > 0 && strchr(" \t\r\n", text.at[0]) && text.at[0])
        text = dm_str_from(text, 1);
    XML_SetUserData(reading->parser, reading);
    XML_SetElementHandler(reading->parser, on_start, on_end);
    XML_SetCharacterDataHandler(reading->parser, on_text);
    XML_SetStartDoctypeDeclHandler(reading->parser, on_type);
    enum XML_Status status = XML_STATUS_OK;
    do { /* in pieces, because expat counts bytes in an int */
        struct dm_str piece = dm_str_cut(text, 0, PIECE_BYTES);
        text = dm_str_from(text, piece.len);
        status = XML_Parse(reading->parser, piece.at ? piece.at : "", (int)piece.len, text.len == 0);
    } while (status == XML_STATUS_OK && text.len > 0);
    return status;
}

enum dm_code dm_aws_xml_read(struct dm_str text, const char *what, dm_aws_xml_element *element, void *context,
                             struct dm_err *err)
{
    struct reading reading = { .parser = XML_ParserCreate(NULL),
                               .path = dm_buf_make(PATH_MAX_BYTES),
                               .text = dm_buf_make(DM_AWS_XML_TEXT_MAX),
                               .element = element,
                               .context = context };
    if (!reading.parser)
        return dm_fail_memory(err);
    enum XML_Status status = parse(&reading, text);
    enum dm_code rc = reading.failed;
    if (rc != DM_OK)
        rc = dm_fail(err, rc, "%s holds %s", what, reading.why.text);
    else if (status != XML_STATUS_OK)
        rc = XML_GetErrorCode(reading.parser) == XML_ERROR_NO_MEMORY
                 ? dm_fail_memory(err)
                 : dm_fail(err, DM_CORRUPT, "%s is no XML: %s in line %lu", what,
                           XML_ErrorString(XML_GetErrorCode(reading.parser)),
                           (unsigned long)XML_GetCurrentLineNumber(reading.parser));
    XML_ParserFree(reading.parser);
    dm_buf_free(&reading.path);
    dm_buf_free(&reading.text);
    return rc;
}

void dm_aws_xml_add_text(struct dm_buf *buf, struct dm_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.at[i]) {
        case '&':
            dm_buf_add_z(buf, "&amp;");
            break;
        case '<':
            dm_buf_add_z(buf, "&lt;");
            break;
        case '>':
            dm_buf_add_z(buf, "&gt;");
            break;
        case '"':
            dm_buf_add_z(buf, "&quot;");
            break;
        case '\r': /* a parser would make a line feed of it */
            dm_buf_add_z(buf, "&#13;");
            break;
        default:
            dm_buf_add_char(buf, text.at[i]);
        }
    }
}
