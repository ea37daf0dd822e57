/* one_page.c: a page and a file around it, written anew; taking.c brings what the page's drawing refers to.
 *
 * The page has the few entries that decide how it looks, so whatever else hangs on a document (scripts, actions,
 * attachments, forms, outline, metadata) has nothing that leads to it. Notes and form fields are drawn by viewers
 * as they like, or not at all, so their appearances are made part of the page's drawing; of layers it is kept
 * whether they are shown. */
#include "one_page.h"

#include <math.h>

#include "taking.h"

enum {
    /* Objects with a fixed place in every file. */
    CATALOG = 1,
    PAGES,
    PAGE,
    FIRST_FREE,
    APPEARANCES_MAX = 2000, /* notes and form fields on the page */
    DRAWING_MAX = 32 << 20, /* bytes of the page's unpacked drawing, where it has to be unpacked */
    PIECE = 16 << 10,
};

/* ---- the page ---------------------------------------------------------------------------------------------------- */

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
    if (type == PDF_ANNOT_WIDGET &&
        (!pdf_dict_get_inheritable(ctx, object, PDF_NAME(FT)) || !pdf_dict_get_inheritable(ctx, object, PDF_NAME(T))))
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
    appearances->forms[appearances->count] = taking_number_of(taking, pdf_to_num(ctx, form), true, false);
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
        taking_say(taking, "/Resources ");
        if (resources)
            taking_write_value(taking, resources, false, 1);
        else
            taking_say(taking, "<<>>");
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
        taking_begin_object(taking, number);
        taking_say(taking, "<</Type/XObject/Subtype/Form");
        write_box(taking, "BBox", media_box(ctx, page->obj));
        write_resources(taking, page);
        taking_write_stream_rest(taking, drawing, false);
        taking_end_object(taking);
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
        taking_begin_object(taking, number);
        taking_say(taking, "<<");
        taking_write_stream_rest(taking, steps, false);
        taking_end_object(taking);
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
    int drawing = composed ? taking_new_number(taking, 0, false) : 0;
    int composition = composed ? taking_new_number(taking, 0, false) : 0;
    taking_begin_object(taking, PAGE);
    fz_write_printf(ctx, taking->out, "<</Type/Page/Parent %d 0 R", PAGES);
    write_page_size(taking, page->obj);
    if (group) {
        taking_say(taking, "/Group ");
        taking_write_value(taking, group, false, 1);
    }
    if (composed) {
        fz_write_printf(ctx, taking->out, "/Contents %d 0 R/Resources<</XObject<</Page %d 0 R", composition, drawing);
        for (int i = 0; i < appearances->count; i++)
            fz_write_printf(ctx, taking->out, "/Note%d %d 0 R", i, appearances->forms[i]);
        taking_say(taking, ">>>>>>");
    } else {
        if (contents) {
            taking_say(taking, "/Contents ");
            taking_write_value(taking, contents, false, 1);
        }
        write_resources(taking, page);
        taking_say(taking, ">>");
    }
    taking_end_object(taking);
    if (composed) {
        write_drawing(taking, page, drawing);
        write_composition(taking, appearances, composition);
    }
}

/* ---- the file around it ------------------------------------------------------------------------------------------ */

/* The layers that the drawing uses, listed again if they are hidden (`hidden`), else all of them. */
static void write_layers(struct taking *taking, pdf_obj *layers, bool hidden)
{
    fz_context *ctx = taking->ctx;
    int count = pdf_array_len(ctx, layers);
    for (int i = 0; i < count; i++) {
        pdf_obj *layer = pdf_array_get(ctx, layers, i);
        int number = pdf_is_indirect(ctx, layer) ? taking_number_of(taking, pdf_to_num(ctx, layer), false, false) : 0;
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
        taking_begin_object(taking, CATALOG);
        fz_write_printf(ctx, taking->out, "<</Type/Catalog/Pages %d 0 R", PAGES);
        if (layers) {
            taking_say(taking, "/OCProperties<</OCGs[");
            write_layers(taking, layers, false);
            taking_say(taking, "]/D<</OFF[");
            write_layers(taking, layers, true);
            taking_say(taking, "]>>>>");
        }
        taking_say(taking, ">>");
        taking_end_object(taking);
    }
    fz_always(ctx) pdf_drop_obj(ctx, layers);
    fz_catch(ctx) fz_rethrow(ctx);
    taking_begin_object(taking, PAGES);
    fz_write_printf(ctx, taking->out, "<</Type/Pages/Count 1/Kids[%d 0 R]>>", PAGE);
    taking_end_object(taking);
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
        taking_say(taking, "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n");
        write_page(taking, page, appearances);
        taking_write_met(taking);
        write_catalog(taking);
        write_table(taking);
    }
    fz_always(ctx) close_notes(ctx, any);
    fz_catch(ctx) fz_rethrow(ctx);
}

void one_page_write(fz_context *ctx, pdf_page *page, struct dm_buf *file)
{
    struct taking taking = { .ctx = ctx };
    struct appearances *appearances = NULL;
    fz_var(taking);
    fz_var(appearances);
    fz_try(ctx)
    {
        appearances = fz_malloc_struct(ctx, struct appearances);
        taking_start(&taking, page->doc, FIRST_FREE, file);
        write_all(&taking, page, appearances);
    }
    fz_always(ctx)
    {
        taking_stop(&taking);
        fz_free(ctx, appearances);
    }
    fz_catch(ctx) fz_rethrow(ctx);
}
