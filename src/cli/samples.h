/* samples.h: private to cli: two documents for the doctor, of one page with the words "docmill reads". */
#ifndef DM_CLI_SAMPLES_H
#define DM_CLI_SAMPLES_H

#include "base/str.h"

struct dm_str dm_sample_pdf(void); /* has the text as text */
struct dm_str dm_sample_png(void); /* has it as a picture */

#endif
