/* test_secrets.c: the key file. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"
#include "testing.h"

static const struct dm_tenant acme = { "acme" };

static void seal(struct rig *rig, struct dm_buf *ret)
{
    assert_ok(dm_secrets_seal(rig->set.secrets, &acme, "document-password", DM_STR("secret"), ret, &rig->err),
              &rig->err);
}

static enum dm_code unseal(struct rig *rig, const struct dm_buf *sealed)
{
    DM_AUTO(dm_buf) plain = dm_buf_make(100);
    return dm_secrets_open(rig->set.secrets, &acme, "document-password", dm_buf_str(sealed), &plain, &rig->err);
}

static void write_file(const char *path, size_t size, mode_t mode)
{
    static const char bytes[100] = "0123456789012345678901234567890123456789";
    unlink(path);
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void the_key_is_made_once_and_what_was_sealed_opens_after_a_restart(void **state)
{
    struct rig *rig = *state;
    DM_AUTO(dm_buf) sealed = dm_buf_make(1000);
    unsigned char first[DM_MAC_BYTES], second[DM_MAC_BYTES];
    struct stat about;
    rig_start(rig);
    seal(rig, &sealed);
    assert_ok(dm_secrets_mac(rig->set.secrets, "links", DM_STR("text"), first, &rig->err), &rig->err);
    rig_stop(rig);
    assert_int_equal(stat(rig_path(rig, "secret.key"), &about), 0);
    assert_int_equal(about.st_size, 32);
    assert_int_equal(about.st_mode & 0777, 0600);
    assert_int_equal(access(rig_path(rig, "secret.key.new"), F_OK), -1);
    rig_start(rig);
    assert_ok(unseal(rig, &sealed), &rig->err);
    assert_ok(dm_secrets_mac(rig->set.secrets, "links", DM_STR("text"), second, &rig->err), &rig->err);
    assert_memory_equal(first, second, sizeof(first));
}

static void another_key_opens_nothing(void **state)
{
    struct rig *rig = *state;
    DM_AUTO(dm_buf) sealed = dm_buf_make(1000);
    rig_start(rig);
    seal(rig, &sealed);
    rig_stop(rig);
    unlink(rig_path(rig, "secret.key"));
    rig_start(rig);
    assert_code(unseal(rig, &sealed), DM_CORRUPT, &rig->err);
    assert_non_null(strstr(rig->err.text, "key file"));
}

static void a_key_that_others_may_read_is_refused_with_what_to_do(void **state)
{
    struct rig *rig = *state;
    static const mode_t modes[] = { 0640, 0604, 0666, 0620, 0601, 0644 };
    for (size_t i = 0; i < DM_COUNT(modes); i++) {
        write_file(rig_path(rig, "secret.key"), 32, modes[i]);
        assert_code(rig_try(rig), DM_REFUSED, &rig->err);
        assert_non_null(strstr(rig->err.text, "secret.key"));
        assert_non_null(strstr(rig->err.text, "chmod 600"));
        /* Nothing else has been touched. */
        assert_int_equal(access(rig_path(rig, "docmill.db"), F_OK), -1);
    }
    assert_int_equal(chmod(rig_path(rig, "secret.key"), 0400), 0);
    rig_start(rig);
}

static void a_key_of_another_length_is_refused(void **state)
{
    struct rig *rig = *state;
    static const size_t sizes[] = { 0, 31, 33 };
    for (size_t i = 0; i < DM_COUNT(sizes); i++) {
        write_file(rig_path(rig, "secret.key"), sizes[i], 0600);
        assert_code(rig_try(rig), DM_CORRUPT, &rig->err);
    }
}

static void a_link_in_place_of_the_key_is_refused(void **state)
{
    struct rig *rig = *state;
    write_file(rig_path(rig, "elsewhere"), 32, 0600);
    assert_int_equal(symlink(rig_path(rig, "elsewhere"), rig_path(rig, "secret.key")), 0);
    assert_code(rig_try(rig), DM_IO, &rig->err);
    unlink(rig_path(rig, "secret.key"));
    assert_int_equal(mkdir(rig_path(rig, "secret.key"), 0700), 0);
    assert_code(rig_try(rig), DM_REFUSED, &rig->err);
}

static void a_key_that_was_being_made_when_the_power_failed_is_made_anew(void **state)
{
    struct rig *rig = *state;
    write_file(rig_path(rig, "secret.key.new"), 7, 0600);
    rig_start(rig);
    assert_int_equal(rig_mode(rig, "secret.key"), 0600);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_make, rig_close)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        CASE(the_key_is_made_once_and_what_was_sealed_opens_after_a_restart),
        CASE(another_key_opens_nothing),
        CASE(a_key_that_others_may_read_is_refused_with_what_to_do),
        CASE(a_key_of_another_length_is_refused),
        CASE(a_link_in_place_of_the_key_is_refused),
        CASE(a_key_that_was_being_made_when_the_power_failed_is_made_anew),
    };
    return run_group("the key file", tests, NULL, NULL);
}
