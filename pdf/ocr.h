/* ocr.h: reading text off a picture, with Tesseract.
 *
 * Tesseract and what it brings along take more memory than all the rest of the helper, so the library is
 * not linked but loaded when a helper of the OCR class starts: helpers that only read text never see it. */
#ifndef DM_PDF_OCR_H
#define DM_PDF_OCR_H

#include "base/err.h"
#include "text.h"

/* Once, in the zygote: loads the library and its data (`data_folder` NULL: where Tesseract was built to
 * look; `languages` NULL: English and up to three more that are installed). DM_UNAVAILABLE, with a sentence
 * that says what is missing. */
DM_MUST_USE enum dm_code ocr_start(const char *data_folder, const char *languages, struct dm_err *err);
/* Reads a small picture, so that everything that is made on first use is there before the sandbox closes,
 * and once for all workers. */
void ocr_warm_up(void);
void ocr_stop(void);

struct ocr_picture {
    const unsigned char *grey; /* width * height bytes */
    uint32_t width, height;
    uint32_t dpi;
    float points_per_pixel;
};

/* False where Tesseract gives up. */
DM_MUST_USE bool ocr_read(const struct ocr_picture *picture, struct page_text *text);

#endif
