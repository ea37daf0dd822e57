/* secrets.c: the secrets port over KMS, for test_kms.py to look at.
 *
 *   secrets KEYS PATH contract | open
 *   secrets KEYS PATH talk
 *
 * `contract` runs the port's contract. `talk` answers each line of its input until that ends: "seal TENANT PURPOSE TEXT",
 * "open TENANT PURPOSE SEALED", "mac PURPOSE TEXT", with the code and what came out. The purposes are "one" and "two". */
#include <stdio.h>
#include <stdlib.h>

#include "aws/aws.h"
#include "base/encode.h"
#include "contracts.h"
#include "embedded/embedded.h"

enum { DEADLINE_MS = 10000, LINE_MAX_BYTES = 16 * 1024 };

static struct dm_str variable(void *context, const char *name)
{
    return dm_str_z(getenv(name));
}

static void tell(enum dm_code rc, struct dm_str came, const struct dm_err *err)
{
    struct dm_str said = rc == DM_OK ? came : dm_str_z(err->text);
    (void)printf("%s|%.*s\n", dm_code_name(rc), DM_STR_ARG(said));
    (void)fflush(stdout);
}

/* A static word, as the port wants it. */
static const char *purpose_of(struct dm_str word)
{
    return dm_str_eq(word, DM_STR("one")) ? "one" : "two";
}

static void answer(struct dm_secrets secrets, struct dm_str line)
{
    struct dm_err err = { .code = DM_OK };
    struct dm_tenant tenant;
    struct dm_str verb = DM_STR(""), first = DM_STR(""), second = DM_STR("");
    DM_AUTO(dm_buf) came = dm_buf_make(LINE_MAX_BYTES);
    (void)(dm_str_next(&line, ' ', &verb) && dm_str_next(&line, ' ', &first));
    if (dm_str_eq(verb, DM_STR("mac"))) {
        unsigned char mac[DM_MAC_BYTES] = { 0 };
        char text[2 * DM_MAC_BYTES + 1];
        enum dm_code rc = dm_secrets_mac(secrets, purpose_of(first), line, mac, &err);
        dm_hex_text(mac, sizeof(mac), text);
        tell(rc, dm_str_z(text), &err);
        return;
    }
    (void)dm_str_next(&line, ' ', &second);
    enum dm_code rc = dm_tenant_parse(first, &tenant, &err);
    if (rc == DM_OK && dm_str_eq(verb, DM_STR("seal")))
        rc = dm_secrets_seal(secrets, &tenant, purpose_of(second), line, &came, &err);
    else if (rc == DM_OK)
        rc = dm_secrets_open(secrets, &tenant, purpose_of(second), line, &came, &err);
    tell(rc, dm_buf_str(&came), &err);
}

static int run(struct dm_secrets secrets, const char *word)
{
    static char line[LINE_MAX_BYTES];
    if (strcmp(word, "contract") == 0)
        return secrets_contract(secrets);
    while (strcmp(word, "talk") == 0 && fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        answer(secrets, dm_str_z(line));
    }
    return 0;
}

int main(int count, char **arguments)
{
    if (count < 4)
        return 2;
    const struct dm_aws_options options = { .runtime = dm_threads_runtime(), .environment = { variable, NULL } };
    struct dm_aws *aws = NULL;
    struct dm_kms *kms = NULL;
    struct dm_err err = { .code = DM_OK };
    enum dm_code rc = dm_aws_open(&options, &aws, &err);
    const struct dm_kms_options where = { .aws = aws, .keys = dm_str_z(arguments[1]), .path = dm_str_z(arguments[2]) };
    if (rc == DM_OK)
        rc = dm_kms_open(&where, dm_mono_ms(dm_threads_runtime()) + DEADLINE_MS, &kms, &err);
    tell(rc, DM_STR(""), &err);
    int status = rc == DM_OK ? run(dm_kms_secrets(kms), arguments[3]) : 0;
    dm_kms_close(kms);
    dm_aws_close(aws);
    return status;
}
