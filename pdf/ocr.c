/* ocr.c: the few calls of Tesseract's C interface that are needed, found at run time. */
#include "ocr.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tesseract/capi.h>
#include <tesseract/version.h>

#include "base/buf.h"

#define AS_TEXT(value) #value
#define LIBRARY(major) "libtesseract.so." AS_TEXT(major)

enum {
    /* Each language is another network that reads every line. */
    LANGUAGES_MAX = 4,
    LANGUAGES_TEXT_MAX = 256,
    /* Of 100. What Tesseract believes less in is grain, ornaments and photographs. */
    CONFIDENCE_MIN = 30,
};

#define CALLS(X)                                                                                                       \
    X(TessBaseAPICreate)                                                                                               \
    X(TessBaseAPIDelete)                                                                                               \
    X(TessBaseAPIInit3)                                                                                                \
    X(TessBaseAPIEnd)                                                                                                  \
    X(TessBaseAPIClear)                                                                                                \
    X(TessBaseAPIGetAvailableLanguagesAsVector)                                                                        \
    X(TessDeleteTextArray)                                                                                             \
    X(TessDeleteText)                                                                                                  \
    X(TessBaseAPISetPageSegMode)                                                                                       \
    X(TessBaseAPISetImage)                                                                                             \
    X(TessBaseAPISetSourceResolution)                                                                                  \
    X(TessBaseAPIRecognize)                                                                                            \
    X(TessBaseAPIGetIterator)                                                                                          \
    X(TessResultIteratorDelete)                                                                                        \
    X(TessResultIteratorGetPageIterator)                                                                               \
    X(TessResultIteratorNext)                                                                                          \
    X(TessResultIteratorGetUTF8Text)                                                                                   \
    X(TessResultIteratorConfidence)                                                                                    \
    X(TessPageIteratorBoundingBox)                                                                                     \
    X(TessPageIteratorIsAtBeginningOf)

static struct {
    void *library;
    TessBaseAPI *api;
#define AS_MEMBER(name) __typeof__(&(name)) name;
    CALLS(AS_MEMBER)
#undef AS_MEMBER
} ocr;

static enum dm_code load_library(struct dm_err *err)
{
    /* libgomp, which comes along, reads it when loaded. With more than one thread Tesseract would die at
     * the first one it starts: the sandbox allows none. */
    setenv("OMP_THREAD_LIMIT", "1", 1);
    ocr.library = dlopen(LIBRARY(TESSERACT_MAJOR_VERSION), RTLD_NOW | RTLD_LOCAL);
    if (!ocr.library)
        return dm_fail(err, DM_UNAVAILABLE, "Tesseract cannot be loaded: %s", dlerror());
#define FIND(name)                                                                                                     \
    *(void **)&ocr.name = dlsym(ocr.library, #name);                                                                   \
    if (!ocr.name)                                                                                                     \
        return dm_fail(err, DM_UNAVAILABLE, "Tesseract has no %s", #name);
    CALLS(FIND)
#undef FIND
    return DM_OK;
}

/* English and what else is there, as Tesseract wants it: "eng+deu". `osd` and `equ` are no languages. */
static void add_installed(char text[LANGUAGES_TEXT_MAX])
{
    char **names = ocr.TessBaseAPIGetAvailableLanguagesAsVector(ocr.api);
    int count = 1;
    for (char **name = names; name && *name && count < LANGUAGES_MAX; name++) {
        size_t used = strlen(text);
        if (strcmp(*name, "eng") == 0 || strcmp(*name, "osd") == 0 || strcmp(*name, "equ") == 0 || strchr(*name, '/') ||
            used + strlen(*name) + 2 > LANGUAGES_TEXT_MAX)
            continue;
        snprintf(text + used, LANGUAGES_TEXT_MAX - used, "+%s", *name);
        count++;
    }
    if (names)
        ocr.TessDeleteTextArray(names);
}

static enum dm_code load_data(const char *folder, const char *languages, struct dm_err *err)
{
    char text[LANGUAGES_TEXT_MAX] = "eng";
    if (ocr.TessBaseAPIInit3(ocr.api, folder, languages ? languages : text) != 0)
        return dm_fail(err, DM_UNAVAILABLE, "Tesseract has no data for %s", languages ? languages : text);
    if (languages)
        return DM_OK;
    add_installed(text);
    if (strcmp(text, "eng") == 0)
        return DM_OK;
    ocr.TessBaseAPIEnd(ocr.api);
    if (ocr.TessBaseAPIInit3(ocr.api, folder, text) != 0)
        return dm_fail(err, DM_UNAVAILABLE, "Tesseract cannot load its data for %s", text);
    return DM_OK;
}

enum dm_code ocr_start(const char *data_folder, const char *languages, struct dm_err *err)
{
    enum dm_code rc = load_library(err);
    if (rc != DM_OK)
        return rc;
    ocr.api = ocr.TessBaseAPICreate();
    rc = load_data(data_folder, languages, err);
    if (rc != DM_OK)
        return rc;
    ocr.TessBaseAPISetPageSegMode(ocr.api, PSM_AUTO);
    return DM_OK;
}

void ocr_stop(void)
{
    if (ocr.api)
        ocr.TessBaseAPIDelete(ocr.api);
    ocr.api = NULL;
}

static bool has_letter(const char *line)
{
    for (; *line; line++)
        if ((unsigned char)*line > ' ')
            return true;
    return false;
}

/* One line of the result, without control characters. */
static void add_line(struct page_text *text, const char *line, fz_rect box)
{
    size_t at = text->text.len;
    for (; *line; line++)
        if ((unsigned char)*line >= ' ' && *line != 0x7f)
            dm_buf_add_char(&text->text, *line);
    while (!text->text.failed && text->text.len > at && text->text.at[text->text.len - 1] == ' ')
        dm_buf_cut(&text->text, text->text.len - 1);
    page_text_add_line(text, at, box);
    dm_buf_add_char(&text->text, '\n');
    text->legible = true;
}

static void collect(const struct ocr_picture *picture, TessResultIterator *result, struct page_text *text)
{
    TessPageIterator *page = ocr.TessResultIteratorGetPageIterator(result);
    do {
        char *line = ocr.TessResultIteratorGetUTF8Text(result, RIL_TEXTLINE);
        if (!line)
            continue;
        int left;
        int top;
        int right;
        int bottom;
        if (has_letter(line) && ocr.TessResultIteratorConfidence(result, RIL_TEXTLINE) >= CONFIDENCE_MIN &&
            ocr.TessPageIteratorBoundingBox(page, RIL_TEXTLINE, &left, &top, &right, &bottom)) {
            if (text->text.len > 0 && ocr.TessPageIteratorIsAtBeginningOf(page, RIL_PARA))
                dm_buf_add_char(&text->text, '\n');
            float scale = picture->points_per_pixel;
            add_line(text, line,
                     (fz_rect){ (float)left * scale, (float)top * scale, (float)right * scale, (float)bottom * scale });
        }
        ocr.TessDeleteText(line);
    } while (ocr.TessResultIteratorNext(result, RIL_TEXTLINE));
}

bool ocr_read(const struct ocr_picture *picture, struct page_text *text)
{
    ocr.TessBaseAPISetImage(ocr.api, picture->grey, (int)picture->width, (int)picture->height, 1, (int)picture->width);
    ocr.TessBaseAPISetSourceResolution(ocr.api, (int)picture->dpi);
    bool read = ocr.TessBaseAPIRecognize(ocr.api, NULL) == 0;
    TessResultIterator *result = read ? ocr.TessBaseAPIGetIterator(ocr.api) : NULL;
    if (result) {
        collect(picture, result, text);
        ocr.TessResultIteratorDelete(result);
    }
    ocr.TessBaseAPIClear(ocr.api);
    return read;
}

/* Dark bars on white, which Tesseract takes for a line of print. What it says of them does not matter. */
void ocr_warm_up(void)
{
    enum { WIDTH = 200, HEIGHT = 60 };
    static unsigned char grey[WIDTH * HEIGHT];
    memset(grey, 255, sizeof(grey));
    for (int y = 20; y < 40; y++)
        for (int x = 20; x < 180; x++)
            if (x / 4 % 2 || y > 36)
                grey[y * WIDTH + x] = 0;
    struct page_text text = page_text_make();
    bool read = ocr_read(&(struct ocr_picture){ grey, WIDTH, HEIGHT, 300, 0.24F }, &text);
    (void)read;
    page_text_free(&text);
}
