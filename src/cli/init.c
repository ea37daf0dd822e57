/* init.c: docmill init: makes what the settings want on Amazon's services, and checks what is there. */
#include "cli/cloud.h"
#include "cli/commands.h"
#include "embedded/embedded.h"

enum { TEXT_MAX = 4096 };

static enum dm_code init_table(struct dm_call *call, struct dm_buf *text, struct dm_err *err)
{
    bool made = false;
    struct dm_err why = { .code = DM_OK };
    struct dm_str table = dm_cloud_table(&call->settings);
    enum dm_code rc = dm_cloud_make_table(&call->settings, dm_threads_runtime(), &made, &why);
    if (rc != DM_OK)
        return dm_fail(err, rc, "STORE: %s", why.text);
    dm_buf_addf(text, "table %.*s: %s\n", DM_STR_ARG(table), made ? "made" : "there, and in order");
    return DM_OK;
}

static enum dm_code init_bucket(struct dm_call *call, struct dm_buf *text, struct dm_err *err)
{
    struct dm_cloud cloud = { .aws = NULL };
    struct dm_settings elsewhere = call->settings;
    elsewhere.data = DM_STR("/tmp"); /* no server has made its folder yet */
    enum dm_code rc = dm_cloud_open(&elsewhere, DM_CLOUD_BLOBS, dm_threads_runtime(), &cloud, err);
    dm_cloud_close(&cloud);
    if (rc == DM_OK)
        dm_buf_addf(text, "bucket %.*s: there, and can be used\n",
                    DM_STR_ARG(dm_str_from(call->settings.blobs, DM_STR("s3:").len)));
    return rc;
}

enum dm_exit dm_command_init(struct dm_call *call)
{
    DM_AUTO(dm_buf) text = dm_buf_make(TEXT_MAX);
    struct dm_err err = { .code = DM_OK };
    bool table = dm_cloud_has_ledger(&call->settings), bucket = dm_cloud_has_blobs(&call->settings);
    if (!table && !bucket)
        return dm_say_trouble(
            call, &(struct dm_trouble){ .exit = DM_EXIT_USAGE,
                                        .code = "usage",
                                        .sentence = "nothing is to be made: STORE and BLOBS lie on this machine",
                                        .hint = "STORE=dynamodb:docmill docmill init makes a table." });
    enum dm_code rc = table ? init_table(call, &text, &err) : DM_OK;
    if (rc == DM_OK && bucket)
        rc = init_bucket(call, &text, &err);
    enum dm_exit said = dm_say(call, &text); /* also what was done before a failure */
    return rc == DM_OK
               ? said
               : dm_say_error(call, DM_EXIT_FAILED, "", &err, "docs/aws.md has the permissions that are needed.");
}
