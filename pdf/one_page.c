/* one_page.c: taking a page out of a PDF.
 *
 * Nothing is copied because it is there; objects are copied because the page's drawing refers to them. The page itself
 * is written anew with the few entries that decide how it looks, so whatever else hangs on a document (scripts, actions,
 * attachments, forms, outline, metadata) has nothing that leads to it. A resource may still point back into the
 * document; objects that are no drawing are replaced by null, and entries that lead away from it are left out.
 *
 * Notes and form fields are drawn by viewers as they like, or not at all, so their appearances are made part of the
 * page's drawing; of layers it is kept whether they are shown.
 *
 * References are not followed but numbered, in the order in which they are met, and their objects written one after the
 * other: no document can make this recurse, and its size is bounded by the file's ceiling and a number of objects. */
#include "one_page.h"

#include <math.h>
#include <string.h>

#include "base/check.h"

enum {
    /* Objects with a fixed place in every file. */
    CATALOG = 1,
    PAGES,
    PAGE,
    FIRST_FREE,
    OBJECTS_MAX = 1 << 16,
    NESTED_MAX = 64,       /* arrays and dictionaries within one object */
    APPEARANCES_MAX = 2000, /* notes and form fields on the page */
    DRAWING_MAX = 32 << 20, /* bytes of the page's unpacked drawing, where it has to be unpacked */
    DEFLATE_FROM = 64,      /* bytes; less is not worth it */
    PIECE = 16 << 10,
    TABLE_START = 256,
};

struct object {
    int source;   /* its number in the document; 0: made here */
    bool is_names; /* a dictionary whose keys are names that a drawing uses */
    size_t place; /* in the file; 0: not written yet */
};

struct taking {
    fz_context *ctx;
    pdf_document *document;
    struct dm_buf *file;
    fz_output *out;         /* into `file` */
    fz_hash_table *numbers; /* of the document's objects in the file */
    struct object *objects; /* by number in the file */
    int count;
};

/* ---- what is left out --------------------------------------------------------------------------------------------- */

/* Entries that lead away from the drawing. */
static bool is_left_out(const char *key)
{
    static const char *const keys[] = {
        "AA",  "AF",  "Alternates", "EF",     "JS",        "LastModified", "Metadata",
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
        "Action",   "Annot",    "Bead", "Catalog",    "EmbeddedFile",   "F",      "Filespec", "Metadata",
        "Outlines", "Page",     "Pages", "Sig",       "StructElem",     "StructTreeRoot", "Template", "Thread",
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

/* ---- writing ------------------------------------------------------------------------------------------------------ */

static void write_to_file(fz_context *ctx, void *state, const void *bytes, size_t size)
{
    struct dm_buf *file = state;
    dm_buf_add(file, dm_str_of(bytes, size));
    if (file->failed)
        fz_throw(ctx, FZ_ERROR_GENERIC, "the page is too large for a file of its own");
}

static void say(struct taking *taking, const char *text)
{
    fz_write_string(taking->ctx, taking->out, text);
}

static int new_number(struct taking *taking, int source, bool is_names)
{
    if (taking->count == OBJECTS_MAX)
        fz_throw(taking->ctx, FZ_ERROR_GENERIC, "too many objects on one page");
    taking->objects[taking->count] = (struct object){ .source = source, .is_names = is_names };
    return taking->count++;
}

/* The number in the file for an object of the document; 0 where it has none and none is to be given. */
static int number_of(struct taking *taking, int source, bool give, bool is_names)
{
    void *known = fz_hash_find(taking->ctx, taking->numbers, &source);
    if (known || !give)
        return (int)(intptr_t)known;
    int number = new_number(taking, source, is_names);
    fz_hash_insert(taking->ctx, taking->numbers, &source, (void *)(intptr_t)number);
    return number;
}

static void write_reference(struct taking *taking, pdf_obj *reference, bool is_names)
{
    int number = number_of(taking, pdf_to_num(taking->ctx, reference), true, is_names);
    fz_write_printf(taking->ctx, taking->out, "%d 0 R", number);
}

static void write_value(struct taking *taking, pdf_obj *value, bool is_names, int depth);

static void write_entry(struct taking *taking, pdf_obj *key, pdf_obj *value, int depth)
{
    pdf_print_obj(taking->ctx, taking->out, key, 1, 0);
    say(taking, " ");
    write_value(taking, value, holds_names(pdf_to_name(taking->ctx, key)), depth);
}

static void write_dictionary(struct taking *taking, pdf_obj *value, bool is_names, int depth)
{
    fz_context *ctx = taking->ctx;
    int count = pdf_dict_len(ctx, value);
    say(taking, "<<");
    for (int i = 0; i < count; i++) {
        pdf_obj *key = pdf_dict_get_key(ctx, value, i);
        if (is_names || !is_left_out(pdf_to_name(ctx, key)))
            write_entry(taking, key, pdf_dict_get_val(ctx, value, i), depth + 1);
    }
    say(taking, ">>");
}

static void write_value(struct taking *taking, pdf_obj *value, bool is_names, int depth)
{
    fz_context *ctx = taking->ctx;
    if (depth > NESTED_MAX)
        fz_throw(ctx, FZ_ERROR_GENERIC, "an object is nested too deep");
    if (pdf_is_indirect(ctx, value)) {
        write_reference(taking, value, is_names);
    } else if (pdf_is_dict(ctx, value)) {
        if (is_foreign(ctx, value))
            say(taking, "null");
        else
            write_dictionary(taking, value, is_names, depth);
    } else if (pdf_is_array(ctx, value)) {
        int count = pdf_array_len(ctx, value);
        say(taking, "[");
        for (int i = 0; i < count; i++) {
            if (i > 0)
                say(taking, " ");
            write_value(taking, pdf_array_get(ctx, value, i), false, depth + 1);
        }
        say(taking, "]");
    } else {
        pdf_print_obj(ctx, taking->out, value, 1, 0);
    }
}

static void write_stream_bytes(struct taking *taking, const unsigned char *bytes, size_t size)
{
    fz_write_printf(taking->ctx, taking->out, "/Length %zu>>\nstream\n", size);
    fz_write_data(taking->ctx, taking->out, bytes, size);
    say(taking, "\nendstream");
}

/* The rest of a stream whose dictionary has been begun: packed, unless `packed` says that it is, or it is tiny. */
static void write_stream_rest(struct taking *taking, fz_buffer *content, bool packed)
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
        say(taking, "/Filter/FlateDecode");
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
        say(taking, "<<");
        for (int i = 0; i < count; i++) {
            pdf_obj *key = pdf_dict_get_key(ctx, dictionary, i);
            const char *name = pdf_to_name(ctx, key);
            if (!is_left_out(name) && !is_storage(name, !packed))
                write_entry(taking, key, pdf_dict_get_val(ctx, dictionary, i), 1);
        }
        write_stream_rest(taking, raw, packed);
    }
    fz_always(ctx) fz_drop_buffer(ctx, raw);
    fz_catch(ctx) fz_rethrow(ctx);
}

static void begin_object(struct taking *taking, int number)
{
    taking->objects[number].place = taking->file->len;
    fz_write_printf(taking->ctx, taking->out, "%d 0 obj\n", number);
}

static void end_object(struct taking *taking)
{
    say(taking, "\nendobj\n");
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
            say(taking, "null");
        else if (pdf_is_dict(ctx, value) && pdf_obj_num_is_stream(ctx, taking->document, source))
            write_stream(taking, value, source);
        else
            write_value(taking, value, is_names, 0);
    }
    fz_always(ctx) pdf_drop_obj(ctx, loaded);
    fz_catch(ctx) fz_rethrow(ctx);
}

/* One that cannot be read is null, as viewers take it. */
static void write_object(struct taking *taking, int number)
{
    fz_context *ctx = taking->ctx;
    begin_object(taking, number);
    size_t begun = taking->file->len;
    fz_try(ctx) write_source(taking, taking->objects[number].source, taking->objects[number].is_names);
    fz_catch(ctx)
    {
        if (taking->file->failed || taking->count == OBJECTS_MAX)
            fz_rethrow(ctx);
        dm_buf_cut(taking->file, begun);
        say(taking, "null");
    }
    end_object(taking);
}

/* Writes all objects that have a number, among them those that get one meanwhile. */
static void write_met(struct taking *taking)
{
    for (int i = FIRST_FREE; i < taking->count; i++)
        if (taking->objects[i].place == 0)
            write_object(taking, i);
}

/* ---- the page ----------------------------------------------------------------------------------------------------- */

static bool is_usable(fz_rect box)
{
    return isfinite(box.x0) && isfinite(box.y0) && isfinite(box.x1) && isfinite(box.y1) && box.x0 < box.x1 &&
           box.y0 < box.y1;
}

static void write_box(struct taking *taking, const char *name, fz_rect box)
{
    fz_write_printf(taking->ctx, taking->out, "/%s[%g %g %g %g]", name, box.x0, box.y0, box.x1, box.y1);
}

static fz_rect media_box(fz_context *ctx, pdf_obj *page)
{
    fz_rect box = pdf_to_rect(ctx, pdf_dict_get_inheritable(ctx, page, PDF_NAME(MediaBox)));
    return is_usable(box) ? box : (fz_rect){ 0, 0, 612, 792 };
}

static void write_page_size(struct taking *taking, pdf_obj *page)
{
    fz_context *ctx = taking->ctx;
    fz_rect crop = pdf_to_rect(ctx, pdf_dict_get_inheritable(ctx, page, PDF_NAME(CropBox)));
    int rotate = pdf_to_int(ctx, pdf_dict_get_inheritable(ctx, page, PDF_NAME(Rotate)));
    float unit = pdf_to_real(ctx, pdf_dict_gets(ctx, page, "UserUnit"));
    write_box(taking, "MediaBox", media_box(ctx, page));
    if (is_usable(crop))
        write_box(taking, "CropBox", crop);
    if (rotate != 0)
        fz_write_printf(ctx, taking->out, "/Rotate %d", rotate);
    if (isfinite(unit) && unit > 0)
        fz_write_printf(ctx, taking->out, "/UserUnit %g", unit);
}

/* The appearances of notes and form fields, as MuPDF draws them. */
struct appearances {
    int count;
    int forms[APPEARANCES_MAX]; /* numbers in the file */
    fz_matrix places[APPEARANCES_MAX];
};

static bool is_shown(fz_context *ctx, pdf_document *document, pdf_annot *note)
{
    enum { UNSEEN = PDF_ANNOT_IS_INVISIBLE | PDF_ANNOT_IS_HIDDEN | PDF_ANNOT_IS_NO_VIEW };
    pdf_obj *object = pdf_annot_obj(ctx, note);
    enum pdf_annot_type type = pdf_annot_type(ctx, note);
    if ((pdf_annot_flags(ctx, note) & UNSEEN) || type == PDF_ANNOT_POPUP)
        return false;
    /* A field without a type or a name is none. */
    if (type == PDF_ANNOT_WIDGET && (!pdf_dict_get_inheritable(ctx, object, PDF_NAME(FT)) ||
                                     !pdf_dict_get_inheritable(ctx, object, PDF_NAME(T))))
        return false;
    return !pdf_is_ocg_hidden(ctx, document, NULL, "View", pdf_dict_get(ctx, object, PDF_NAME(OC)));
}

static void add_appearance(struct taking *taking, pdf_annot *note, struct appearances *appearances)
{
    fz_context *ctx = taking->ctx;
    pdf_obj *form = is_shown(ctx, taking->document, note) ? pdf_annot_ap(ctx, note) : NULL;
    if (!form || !pdf_is_indirect(ctx, form))
        return;
    if (appearances->count == APPEARANCES_MAX)
        fz_throw(ctx, FZ_ERROR_GENERIC, "too many notes on one page");
    fz_matrix place = pdf_annot_transform(ctx, note);
    if (!isfinite(place.a + place.b + place.c + place.d + place.e + place.f))
        return;
    appearances->forms[appearances->count] = number_of(taking, pdf_to_num(ctx, form), true, false);
    appearances->places[appearances->count++] = place;
}

/* The page's drawing as one stream, for a form: what is left open in it ends with it. */
static fz_buffer *load_drawing(struct taking *taking, pdf_obj *contents)
{
    fz_context *ctx = taking->ctx;
    fz_buffer *drawing = fz_new_buffer(ctx, PIECE);
    fz_stream *stream = NULL;
    fz_var(stream);
    fz_try(ctx)
    {
        unsigned char piece[PIECE];
        size_t got = 0;
        stream = pdf_open_contents_stream(ctx, taking->document, contents);
        while ((got = fz_read(ctx, stream, piece, sizeof(piece))) > 0) {
            fz_append_data(ctx, drawing, piece, got);
            if (fz_buffer_storage(ctx, drawing, NULL) > DRAWING_MAX)
                fz_throw(ctx, FZ_ERROR_GENERIC, "the page's drawing is too large");
        }
    }
    fz_always(ctx) fz_drop_stream(ctx, stream);
    fz_catch(ctx)
    {
        fz_drop_buffer(ctx, drawing);
        fz_rethrow(ctx);
    }
    return drawing;
}

/* They may stand in another object than the page, which is held meanwhile for the same reason as in write_source. */
static void write_resources(struct taking *taking, pdf_page *page)
{
    fz_context *ctx = taking->ctx;
    pdf_obj *resources = pdf_keep_obj(ctx, pdf_page_resources(ctx, page));
    fz_try(ctx)
    {
        say(taking, "/Resources ");
        if (resources)
            write_value(taking, resources, false, 1);
        else
            say(taking, "<<>>");
    }
    fz_always(ctx) pdf_drop_obj(ctx, resources);
    fz_catch(ctx) fz_rethrow(ctx);
}

/* The page's own drawing as a form. */
static void write_drawing(struct taking *taking, pdf_page *page, int number)
{
    fz_context *ctx = taking->ctx;
    pdf_obj *contents = pdf_page_contents(ctx, page);
    fz_buffer *drawing = contents ? load_drawing(taking, contents) : fz_new_buffer(ctx, 1);
    fz_try(ctx)
    {
        begin_object(taking, number);
        say(taking, "<</Type/XObject/Subtype/Form");
        write_box(taking, "BBox", media_box(ctx, page->obj));
        write_resources(taking, page);
        write_stream_rest(taking, drawing, false);
        end_object(taking);
    }
    fz_always(ctx) fz_drop_buffer(ctx, drawing);
    fz_catch(ctx) fz_rethrow(ctx);
}

/* What draws the page and then each note in its place. */
static void write_composition(struct taking *taking, const struct appearances *appearances, int number)
{
    fz_context *ctx = taking->ctx;
    fz_buffer *steps = fz_new_buffer(ctx, PIECE);
    fz_try(ctx)
    {
        fz_append_string(ctx, steps, "/Page Do\n");
        for (int i = 0; i < appearances->count; i++) {
            fz_matrix place = appearances->places[i];
            fz_append_printf(ctx, steps, "q %g %g %g %g %g %g cm /Note%d Do Q\n", place.a, place.b, place.c, place.d,
                             place.e, place.f, i);
        }
        begin_object(taking, number);
        say(taking, "<<");
        write_stream_rest(taking, steps, false);
        end_object(taking);
    }
    fz_always(ctx) fz_drop_buffer(ctx, steps);
    fz_catch(ctx) fz_rethrow(ctx);
}

static void write_page(struct taking *taking, pdf_page *page, const struct appearances *appearances)
{
    fz_context *ctx = taking->ctx;
    pdf_obj *contents = pdf_page_contents(ctx, page);
    pdf_obj *group = pdf_page_group(ctx, page);
    bool composed = appearances->count > 0;
    int drawing = composed ? new_number(taking, 0, false) : 0;
    int composition = composed ? new_number(taking, 0, false) : 0;
    begin_object(taking, PAGE);
    fz_write_printf(ctx, taking->out, "<</Type/Page/Parent %d 0 R", PAGES);
    write_page_size(taking, page->obj);
    if (group) {
        say(taking, "/Group ");
        write_value(taking, group, false, 1);
    }
    if (composed) {
        fz_write_printf(ctx, taking->out, "/Contents %d 0 R/Resources<</XObject<</Page %d 0 R", composition, drawing);
        for (int i = 0; i < appearances->count; i++)
            fz_write_printf(ctx, taking->out, "/Note%d %d 0 R", i, appearances->forms[i]);
        say(taking, ">>>>>>");
    } else {
        if (contents) {
            say(taking, "/Contents ");
            write_value(taking, contents, false, 1);
        }
        write_resources(taking, page);
        say(taking, ">>");
    }
    end_object(taking);
    if (composed) {
        write_drawing(taking, page, drawing);
        write_composition(taking, appearances, composition);
    }
}

/* ---- the file around it ------------------------------------------------------------------------------------------- */

/* The layers that the drawing uses, listed again if they are hidden (`hidden`), else all of them. */
static void write_layers(struct taking *taking, pdf_obj *layers, bool hidden)
{
    fz_context *ctx = taking->ctx;
    int count = pdf_array_len(ctx, layers);
    for (int i = 0; i < count; i++) {
        pdf_obj *layer = pdf_array_get(ctx, layers, i);
        int number = pdf_is_indirect(ctx, layer) ? number_of(taking, pdf_to_num(ctx, layer), false, false) : 0;
        if (number > 0 && (!hidden || pdf_is_ocg_hidden(ctx, taking->document, NULL, "View", layer)))
            fz_write_printf(ctx, taking->out, "%d 0 R ", number);
    }
}

static void write_catalog(struct taking *taking)
{
    fz_context *ctx = taking->ctx;
    pdf_obj *layers = pdf_dict_getp(ctx, pdf_trailer(ctx, taking->document), "Root/OCProperties/OCGs");
    pdf_keep_obj(ctx, layers);
    fz_try(ctx)
    {
        begin_object(taking, CATALOG);
        fz_write_printf(ctx, taking->out, "<</Type/Catalog/Pages %d 0 R", PAGES);
        if (layers) {
            say(taking, "/OCProperties<</OCGs[");
            write_layers(taking, layers, false);
            say(taking, "]/D<</OFF[");
            write_layers(taking, layers, true);
            say(taking, "]>>>>");
        }
        say(taking, ">>");
        end_object(taking);
    }
    fz_always(ctx) pdf_drop_obj(ctx, layers);
    fz_catch(ctx) fz_rethrow(ctx);
    begin_object(taking, PAGES);
    fz_write_printf(ctx, taking->out, "<</Type/Pages/Count 1/Kids[%d 0 R]>>", PAGE);
    end_object(taking);
}

static void write_table(struct taking *taking)
{
    fz_context *ctx = taking->ctx;
    size_t place = taking->file->len;
    fz_write_printf(ctx, taking->out, "xref\n0 %d\n0000000000 65535 f \n", taking->count);
    for (int i = CATALOG; i < taking->count; i++)
        fz_write_printf(ctx, taking->out, "%010zu 00000 n \n", taking->objects[i].place);
    fz_write_printf(ctx, taking->out, "trailer\n<</Size %d/Root %d 0 R>>\nstartxref\n%zu\n%%%%EOF\n", taking->count,
                    CATALOG, place);
}

/* Appearances that MuPDF made, because the document has none, are seen only while a note says so. */
static void open_notes(fz_context *ctx, pdf_annot *note)
{
#if FZ_VERSION_MAJOR > 1 || FZ_VERSION_MINOR >= 20
    if (note)
        pdf_annot_push_local_xref(ctx, note);
#endif
}

static void close_notes(fz_context *ctx, pdf_annot *note)
{
#if FZ_VERSION_MAJOR > 1 || FZ_VERSION_MINOR >= 20
    if (note)
        pdf_annot_pop_local_xref(ctx, note);
#endif
}

static void write_all(struct taking *taking, pdf_page *page, struct appearances *appearances)
{
    fz_context *ctx = taking->ctx;
    pdf_annot *any = pdf_first_annot(ctx, page) ? pdf_first_annot(ctx, page) : pdf_first_widget(ctx, page);
    open_notes(ctx, any);
    fz_try(ctx)
    {
        for (pdf_annot *note = pdf_first_annot(ctx, page); note; note = pdf_next_annot(ctx, note))
            add_appearance(taking, note, appearances);
        for (pdf_annot *field = pdf_first_widget(ctx, page); field; field = pdf_next_widget(ctx, field))
            add_appearance(taking, field, appearances);
        say(taking, "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n");
        write_page(taking, page, appearances);
        write_met(taking);
        write_catalog(taking);
        write_table(taking);
    }
    fz_always(ctx) close_notes(ctx, any);
    fz_catch(ctx) fz_rethrow(ctx);
}

void one_page_write(fz_context *ctx, pdf_page *page, struct dm_buf *file)
{
    struct taking taking = { .ctx = ctx, .document = page->doc, .file = file, .count = FIRST_FREE };
    struct appearances *appearances = NULL;
    fz_var(taking);
    fz_var(appearances);
    fz_try(ctx)
    {
        appearances = fz_malloc_struct(ctx, struct appearances);
        taking.objects = fz_malloc_array(ctx, OBJECTS_MAX, struct object);
        taking.numbers = fz_new_hash_table(ctx, TABLE_START, sizeof(int), -1, NULL);
        taking.out = fz_new_output(ctx, 0, file, write_to_file, NULL, NULL);
        write_all(&taking, page, appearances);
        fz_close_output(ctx, taking.out);
    }
    fz_always(ctx)
    {
        fz_drop_output(ctx, taking.out);
        fz_drop_hash_table(ctx, taking.numbers);
        fz_free(ctx, taking.objects);
        fz_free(ctx, appearances);
    }
    fz_catch(ctx) fz_rethrow(ctx);
}
