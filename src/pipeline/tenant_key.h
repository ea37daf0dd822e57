/* tenant_key.h: what setting a tenant's key and using it share. Private to the room; pipeline.h has the door. */
#ifndef DM_PIPELINE_TENANT_KEY_H
#define DM_PIPELINE_TENANT_KEY_H

#include "pipeline/pipeline.h"

#define DM_TENANT_KEY_PURPOSE "model-key" /* what it is sealed for */

#endif
