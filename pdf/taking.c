/* taking.c: which of a document's objects are taken, and writing them. */
#include "taking.h"

#include <string.h>

#include "base/check.h"

enum {
    OBJECTS_MAX = 1 << 16,
    NESTED_MAX = 64,   /* arrays and dictionaries within one object */
    DEFLATE_FROM = 64, /* bytes; less is not worth it */
    TABLE_START = 256,
};

/* ---- what is left out -------------------------------------------------------------------------------------------- */

/* Entries that lead away from the drawing. */
static bool is_left_out(const char *key)
{
    static const char *const keys[] = {
        "AA",  "AF",  "Alternates", "EF",        "JS",           "LastModified",  "Metadata",
        "OPI", "Ref", "Parent",     "PieceInfo", "StructParent", "StructParents",
    };
    for (size_t i = 0; i < DM_COUNT(keys); i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

/* Objects that say themselves that they are no part of a drawing. */
static bool is_foreign(fz_context *ctx, pdf_obj *object)
{
    static const char *const types[] = {
        "Action", "Annot", "Bead", "Catalog",    "EmbeddedFile",   "F",        "Filespec", "Metadata", "Outlines",
        "Page",   "Pages", "Sig",  "StructElem", "StructTreeRoot", "Template", "Thread",
    };
    const char *type = pdf_to_name(ctx, pdf_dict_get(ctx, object, PDF_NAME(Type)));
    for (size_t i = 0; i < DM_COUNT(types); i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

/* Dictionaries in which a key is what a drawing calls something, and never has a meaning of its own. */
static bool holds_names(const char *key)
{
    static const char *const keys[] = {
        "CharProcs", "ColorSpace", "Colorants", "ExtGState", "Font", "Pattern", "Properties", "Shading", "XObject",
    };
    for (size_t i = 0; i < DM_COUNT(keys); i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

/* Entries of a stream that tell how it is stored, which is decided anew. */
static bool is_storage(const char *key, bool deflated)
{
    static const char *const keys[] = { "Length", "F", "FFilter", "FDecodeParms", "DL" };
    for (size_t i = 0; i < DM_COUNT(keys); i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return deflated && (strcmp(key, "Filter") == 0 || strcmp(key, "DecodeParms") == 0);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void write_to_file(fz_context *ctx, void *state, const void *bytes, size_t size)
{
    struct dm_buf *file = state;
    dm_buf_add(file, dm_str_of(bytes, size));
    if (file->failed)
        fz_throw(ctx, FZ_ERROR_GENERIC, "the page is too large for a file of its own");
}

void taking_say(struct taking *taking, const char *text)
{
    fz_write_string(taking->ctx, taking->out, text);
}

int taking_new_number(struct taking *taking, int source, bool is_names)
{
    if (taking->count == OBJECTS_MAX)
        fz_throw(taking->ctx, FZ_ERROR_GENERIC, "too many objects on one page");
    taking->objects[taking->count] = (struct object){ .source = source, .is_names = is_names };
    return taking->count++;
}

int taking_number_of(struct taking *taking, int source, bool give, bool is_names)
{
    void *known = fz_hash_find(taking->ctx, taking->numbers, &source);
    if (known || !give)
        return (int)(intptr_t)known;
    int number = taking_new_number(taking, source, is_names);
    fz_hash_insert(taking->ctx, taking->numbers, &source, (void *)(intptr_t)number);
    return number;
}

static void write_reference(struct taking *taking, pdf_obj *reference, bool is_names)
{
    int number = taking_number_of(taking, pdf_to_num(taking->ctx, reference), true, is_names);
    fz_write_printf(taking->ctx, taking->out, "%d 0 R", number);
}

static void write_entry(struct taking *taking, pdf_obj *key, pdf_obj *value, int depth)
{
    pdf_print_obj(taking->ctx, taking->out, key, 1, 0);
    taking_say(taking, " ");
    taking_write_value(taking, value, holds_names(pdf_to_name(taking->ctx, key)), depth);
}

static void write_dictionary(struct taking *taking, pdf_obj *value, bool is_names, int depth)
{
    fz_context *ctx = taking->ctx;
    int count = pdf_dict_len(ctx, value);
    taking_say(taking, "<<");
    for (int i = 0; i < count; i++) {
        pdf_obj *key = pdf_dict_get_key(ctx, value, i);
        if (is_names || !is_left_out(pdf_to_name(ctx, key)))
            write_entry(taking, key, pdf_dict_get_val(ctx, value, i), depth + 1);
    }
    taking_say(taking, ">>");
}

void taking_write_value(struct taking *taking, pdf_obj *value, bool is_names, int depth)
{
    fz_context *ctx = taking->ctx;
    if (depth > NESTED_MAX)
        fz_throw(ctx, FZ_ERROR_GENERIC, "an object is nested too deep");
    if (pdf_is_indirect(ctx, value)) {
        write_reference(taking, value, is_names);
    } else if (pdf_is_dict(ctx, value)) {
        if (is_foreign(ctx, value))
            taking_say(taking, "null");
        else
            write_dictionary(taking, value, is_names, depth);
    } else if (pdf_is_array(ctx, value)) {
        int count = pdf_array_len(ctx, value);
        taking_say(taking, "[");
        for (int i = 0; i < count; i++) {
            if (i > 0)
                taking_say(taking, " ");
            taking_write_value(taking, pdf_array_get(ctx, value, i), false, depth + 1);
        }
        taking_say(taking, "]");
    } else {
        pdf_print_obj(ctx, taking->out, value, 1, 0);
    }
}

static void write_stream_bytes(struct taking *taking, const unsigned char *bytes, size_t size)
{
    fz_write_printf(taking->ctx, taking->out, "/Length %zu>>\nstream\n", size);
    fz_write_data(taking->ctx, taking->out, bytes, size);
    taking_say(taking, "\nendstream");
}

void taking_write_stream_rest(struct taking *taking, fz_buffer *content, bool packed)
{
    fz_context *ctx = taking->ctx;
    unsigned char *bytes;
    size_t size = fz_buffer_storage(ctx, content, &bytes);
    if (packed || size < DEFLATE_FROM) {
        write_stream_bytes(taking, bytes, size);
        return;
    }
    unsigned char *deflated = fz_new_deflated_data_from_buffer(ctx, &size, content, FZ_DEFLATE_DEFAULT);
    fz_try(ctx)
    {
        taking_say(taking, "/Filter/FlateDecode");
        write_stream_bytes(taking, deflated, size);
    }
    fz_always(ctx) fz_free(ctx, deflated);
    fz_catch(ctx) fz_rethrow(ctx);
}

static void write_stream(struct taking *taking, pdf_obj *dictionary, int source)
{
    fz_context *ctx = taking->ctx;
    bool packed = pdf_dict_get(ctx, dictionary, PDF_NAME(Filter)) != NULL;
    fz_buffer *raw = pdf_load_raw_stream_number(ctx, taking->document, source);
    fz_try(ctx)
    {
        int count = pdf_dict_len(ctx, dictionary);
        taking_say(taking, "<<");
        for (int i = 0; i < count; i++) {
            pdf_obj *key = pdf_dict_get_key(ctx, dictionary, i);
            const char *name = pdf_to_name(ctx, key);
            if (!is_left_out(name) && !is_storage(name, !packed))
                write_entry(taking, key, pdf_dict_get_val(ctx, dictionary, i), 1);
        }
        taking_write_stream_rest(taking, raw, packed);
    }
    fz_always(ctx) fz_drop_buffer(ctx, raw);
    fz_catch(ctx) fz_rethrow(ctx);
}

void taking_begin_object(struct taking *taking, int number)
{
    taking->objects[number].place = taking->file->len;
    fz_write_printf(taking->ctx, taking->out, "%d 0 obj\n", number);
}

void taking_end_object(struct taking *taking)
{
    taking_say(taking, "\nendobj\n");
}

/* The object is held while it is written: loading another may mend the document and forget all that was loaded. */
static void write_source(struct taking *taking, int source, bool is_names)
{
    fz_context *ctx = taking->ctx;
    pdf_obj *loaded = pdf_load_object(ctx, taking->document, source);
    fz_try(ctx)
    {
        pdf_obj *value = pdf_resolve_indirect_chain(ctx, loaded);
        if (pdf_is_dict(ctx, value) && is_foreign(ctx, value))
            taking_say(taking, "null");
        else if (pdf_is_dict(ctx, value) && pdf_obj_num_is_stream(ctx, taking->document, source))
            write_stream(taking, value, source);
        else
            taking_write_value(taking, value, is_names, 0);
    }
    fz_always(ctx) pdf_drop_obj(ctx, loaded);
    fz_catch(ctx) fz_rethrow(ctx);
}

/* One that cannot be read is null, as viewers take it. */
static void write_object(struct taking *taking, int number)
{
    fz_context *ctx = taking->ctx;
    taking_begin_object(taking, number);
    size_t begun = taking->file->len;
    fz_try(ctx) write_source(taking, taking->objects[number].source, taking->objects[number].is_names);
    fz_catch(ctx)
    {
        if (taking->file->failed || taking->count == OBJECTS_MAX)
            fz_rethrow(ctx);
        dm_buf_cut(taking->file, begun);
        taking_say(taking, "null");
    }
    taking_end_object(taking);
}

void taking_write_met(struct taking *taking)
{
    for (int i = taking->first; i < taking->count; i++)
        if (taking->objects[i].place == 0)
            write_object(taking, i);
}

void taking_start(struct taking *taking, pdf_document *document, int first, struct dm_buf *file)
{
    fz_context *ctx = taking->ctx;
    taking->document = document;
    taking->file = file;
    taking->first = first;
    taking->count = first;
    taking->objects = fz_malloc_array(ctx, OBJECTS_MAX, struct object);
    taking->numbers = fz_new_hash_table(ctx, TABLE_START, sizeof(int), -1, NULL);
    taking->out = fz_new_output(ctx, 0, file, write_to_file, NULL, NULL);
}

void taking_stop(struct taking *taking)
{
    fz_context *ctx = taking->ctx;
    fz_drop_output(ctx, taking->out);
    fz_drop_hash_table(ctx, taking->numbers);
    fz_free(ctx, taking->objects);
}
