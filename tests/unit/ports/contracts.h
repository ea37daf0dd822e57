/* contracts.h: what every backend must do, as tests over the ports.
 *
 * Each function runs one port's contract against the value it is given and answers how many tests failed, so that a
 * backend's runner only opens the backend and adds them up. The tests make their own tenants and leave those of others
 * alone; they may run against a backend that already holds something. */
#ifndef DM_TESTS_CONTRACTS_H
#define DM_TESTS_CONTRACTS_H

#include "ports/blob.h"
#include "ports/runtime.h"
#include "ports/secrets.h"
#include "ports/store.h"
#include "ports/stream.h"

/* The runtime is for tasks and ids; the tests never sleep to see whether something happened. */
int runtime_contract(struct dm_runtime runtime);
int store_contract(struct dm_store store, struct dm_runtime runtime);
int operator_contract(struct dm_store store, struct dm_operator op, struct dm_runtime runtime);
int operate_contract(struct dm_store store, struct dm_operator op, struct dm_runtime runtime);
int secret_contract(struct dm_store store, struct dm_operator op, struct dm_runtime runtime);
int blob_contract(struct dm_blob blob, struct dm_runtime runtime);
int stream_contract(struct dm_stream stream, struct dm_runtime runtime);
int secrets_contract(struct dm_secrets secrets);

#endif
