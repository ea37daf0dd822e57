/* curl_library.c: libcurl, loaded once and never unloaded (its own global state does not survive that). */
#include "net/curl_library.h"

#include <dlfcn.h>
#include <pthread.h>

/* The name that libcurl has had since 2006, and what Debian calls the build over GnuTLS. */
static const char *const file_names[] = { "libcurl.so.4", "libcurl-gnutls.so.4" };

static struct dm_curl_library library;
static struct dm_err trouble;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
    void *handle = NULL;
    for (size_t i = 0; i < DM_COUNT(file_names) && !handle; i++)
        handle = dlopen(file_names[i], RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        (void)dm_fail(&trouble, DM_UNAVAILABLE,
                      "libcurl is not installed; on Debian and Ubuntu: apt-get install libcurl4");
        return;
    }
    const char *missing = NULL;
/* POSIX's own way from an object pointer to a function pointer. */
#define DM_CURL_LOOK_UP(result, name, arguments)                                                                       \
    *(void **)&library.name = dlsym(handle, "curl_" #name);                                                            \
    if (!library.name)                                                                                                 \
        missing = "curl_" #name;
    DM_CURL_FUNCTIONS(DM_CURL_LOOK_UP)
#undef DM_CURL_LOOK_UP
    if (missing)
        (void)dm_fail(&trouble, DM_UNAVAILABLE, "libcurl is too old: it has no %s", missing);
    else if (library.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        (void)dm_fail(&trouble, DM_UNAVAILABLE, "libcurl does not start");
}

enum dm_code dm_curl_library(const struct dm_curl_library **ret, struct dm_err *err)
{
    (void)pthread_once(&once, load);
    if (trouble.code != DM_OK)
        return dm_fail(err, trouble.code, "%s", trouble.text);
    *ret = &library;
    return DM_OK;
}
