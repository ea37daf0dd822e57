/* settings_table.c: the settings, one row each, and the rules of single values. */
#include "cli/settings.h"

#include "base/str.h"
#include "domain/tenant.h"

#define AT(member) offsetof(struct dm_settings, member)

static const struct dm_setting table[] = {
    /* ---- where the server listens -------------------------------------------------------------------------------- */
    { .name = "PORT",
      .flag = "port",
      .kind = DM_SETTING_COUNT,
      .fallback = "3005",
      .least = 0,
      .most = 65535,
      .example = "3005",
      .offset = AT(port),
      .users = DM_USER_SERVER,
      .group = DM_GROUP_LISTENING,
      .since = "0.1",
      .help = "Port on 127.0.0.1 where the server listens. 0 takes any free one and says which." },
    { .name = "LISTEN",
      .flag = "listen",
      .kind = DM_SETTING_TEXT,
      .fallback_words = "127.0.0.1 and PORT",
      .example = "127.0.0.1:3005",
      .offset = AT(listen),
      .users = DM_USER_SERVER,
      .group = DM_GROUP_LISTENING,
      .since = "0.1",
      .help =
          "Address and port where the server listens; wins over PORT. Only loopback (127.0.0.1, [::1], localhost) is "
          "allowed as long as requests carry no credentials." },
    { .name = "PUBLIC_URL",
      .flag = "public-url",
      .kind = DM_SETTING_TEXT,
      .fallback_words = "where the server listens",
      .example = "http://docs.example.com",
      .refuse = dm_refuse_url,
      .offset = AT(public_url),
      .users = DM_USER_SERVER,
      .group = DM_GROUP_LISTENING,
      .since = "0.1",
      .help = "How clients reach the server, where that is not the address it listens on: behind a tunnel or a "
              "reverse proxy. Links in answers begin with it." },
    { .name = "MAX_CONNECTIONS",
      .flag = "max-connections",
      .kind = DM_SETTING_COUNT,
      .fallback = "8192",
      .least = 8,
      .most = 100000,
      .example = "1000",
      .offset = AT(connections_max),
      .users = DM_USER_SERVER,
      .group = DM_GROUP_LISTENING,
      .since = "0.1",
      .help = "How many clients may be connected at once; further ones wait to be accepted." },
    { .name = "AUTH",
      .flag = "auth",
      .kind = DM_SETTING_CHOICE,
      .fallback = "off",
      .choices = "off|on",
      .example = "off",
      .refuse = dm_refuse_auth,
      .offset = AT(auth),
      .users = DM_USER_SERVER,
      .group = DM_GROUP_LISTENING,
      .since = "0.1",
      .help = "Whether requests must carry a credential. Only off is there yet: the tenant is the one that the request "
              "names, and the server listens on loopback alone." },

    /* ---- where documents are kept -------------------------------------------------------------------------------- */
    { .name = "DOCMILL_DATA",
      .flag = "data",
      .kind = DM_SETTING_TEXT,
      .fallback_words = "`$XDG_DATA_HOME/docmill`, else `~/.local/share/docmill`",
      .example = "/var/lib/docmill",
      .offset = AT(data),
      .users = DM_USER_SERVER,
      .group = DM_GROUP_FOLDER,
      .since = "0.1",
      .help = "Folder that holds everything the server keeps; made where it is missing. One server uses it at a time. "
              "Nothing is written outside it." },
    { .name = "STORE",
      .kind = DM_SETTING_TEXT,
      .fallback_words = "`sqlite:` and `docmill.db` in DOCMILL_DATA",
      .example = "sqlite:/var/lib/docmill/docmill.db",
      .refuse = dm_refuse_store,
      .offset = AT(store),
      .users = DM_USER_SERVER,
      .group = DM_GROUP_FOLDER,
      .since = "0.1",
      .help = "Backend of the ledger: `sqlite:PATH`." },
    { .name = "STREAM",
      .kind = DM_SETTING_TEXT,
      .fallback = "sqlite:",
      .example = "sqlite:",
      .refuse = dm_refuse_stream,
      .offset = AT(stream),
      .users = DM_USER_SERVER,
      .group = DM_GROUP_FOLDER,
      .since = "0.1",
      .help = "Backend of the hints of work: `sqlite:`. It belongs to the same set as STORE." },
    { .name = "BLOBS",
      .kind = DM_SETTING_TEXT,
      .fallback_words = "`file:` and `blobs` in DOCMILL_DATA",
      .example = "file:/srv/docmill/blobs",
      .refuse = dm_refuse_blobs,
      .offset = AT(blobs),
      .users = DM_USER_SERVER,
      .group = DM_GROUP_FOLDER,
      .since = "0.1",
      .help = "Backend of sources, analyses and results: `file:DIR`." },
    { .name = "MIN_FREE_MB",
      .flag = "min-free-mb",
      .kind = DM_SETTING_MEGABYTES,
      .fallback = "256",
      .least = 0,
      .most = 1000000000,
      .example = "1024",
      .offset = AT(free_bytes_min),
      .users = DM_USER_SERVER,
      .group = DM_GROUP_FOLDER,
      .since = "0.1",
      .help = "Below this much free space uploads are refused (507), so that work already accepted can be finished." },

    /* ---- what is accepted ---------------------------------------------------------------------------------------- */
    { .name = "FILE_SIZE_THRESHOLD_MB",
      .flag = "file-size-threshold-mb",
      .kind = DM_SETTING_MEGABYTES,
      .fallback = "1",
      .least = 0,
      .most = 100000,
      .example = "0.5",
      .offset = AT(sync_bytes_max),
      .users = DM_USER_SERVER,
      .group = DM_GROUP_ACCEPTING,
      .since = "0.1",
      .help = "Up to this size an upload waits for its result; a larger one is answered at once. 0: none waits." },
    { .name = "SYNC_WAIT_SECONDS",
      .flag = "sync-wait-seconds",
      .kind = DM_SETTING_SECONDS,
      .fallback = "25",
      .least = 0,
      .most = 600,
      .example = "25",
      .offset = AT(sync_wait_ms),
      .users = DM_USER_SERVER,
      .group = DM_GROUP_ACCEPTING,
      .since = "0.1",
      .help = "How long such an upload waits at most. The document goes on when the time is over." },
    { .name = "MAX_FILE_MB",
      .flag = "max-file-mb",
      .kind = DM_SETTING_MEGABYTES,
      .fallback = "200",
      .least = 0.001,
      .most = 100000,
      .example = "200",
      .offset = AT(file_bytes_max),
      .users = DM_USER_SERVER | DM_USER_RUN,
      .group = DM_GROUP_ACCEPTING,
      .since = "0.1",
      .help = "A larger file is refused (413)." },
    { .name = "MAX_PAGES",
      .flag = "max-pages",
      .kind = DM_SETTING_COUNT,
      .fallback = "10000",
      .least = 1,
      .most = 1000000,
      .example = "500",
      .offset = AT(pages_max),
      .users = DM_USER_SERVER | DM_USER_RUN,
      .group = DM_GROUP_ACCEPTING,
      .since = "0.1",
      .help = "A document with more pages fails with the reason too_large." },

    /* ---- how documents are read ---------------------------------------------------------------------------------- */
    { .name = "MODEL",
      .flag = "model",
      .kind = DM_SETTING_TEXT,
      .fallback = "extractive:",
      .example = "extractive:",
      .refuse = dm_refuse_model,
      .offset = AT(model),
      .users = DM_USER_SERVER | DM_USER_RUN,
      .group = DM_GROUP_READING,
      .since = "0.1",
      .help = "What reads the pages. `extractive:` is built in: it needs no key and sends nothing anywhere." },
    { .name = "MODEL_CONCURRENCY",
      .flag = "model-concurrency",
      .kind = DM_SETTING_COUNT,
      .fallback = "0",
      .least = 0,
      .most = 1000,
      .example = "8",
      .offset = AT(model_concurrency),
      .users = DM_USER_SERVER | DM_USER_RUN,
      .group = DM_GROUP_READING,
      .since = "0.1",
      .help = "How many pages the model reads at once. 0: as many as suit it." },
    { .name = "MAX_ATTEMPTS",
      .flag = "max-attempts",
      .kind = DM_SETTING_COUNT,
      .fallback = "4",
      .least = 1,
      .most = 20,
      .example = "4",
      .offset = AT(attempts_max),
      .users = DM_USER_SERVER | DM_USER_RUN,
      .group = DM_GROUP_READING,
      .since = "0.1",
      .help = "How often the model is asked about one page before the page fails." },
    { .name = "PAGE_TIMEOUT_SECONDS",
      .flag = "page-timeout-seconds",
      .kind = DM_SETTING_SECONDS,
      .fallback = "30",
      .least = 0.1,
      .most = 600,
      .example = "30",
      .offset = AT(page_timeout_ms),
      .users = DM_USER_SERVER | DM_USER_RUN,
      .group = DM_GROUP_READING,
      .since = "0.1",
      .help = "How long opening a document or reading one of its pages may take. A page past it fails with the reason "
              "timeout; the others go on." },
    { .name = "HELPERS",
      .flag = "helpers",
      .kind = DM_SETTING_COUNT,
      .fallback = "0",
      .least = 0,
      .most = 64,
      .example = "2",
      .offset = AT(helpers),
      .users = DM_USER_SERVER | DM_USER_RUN,
      .group = DM_GROUP_READING,
      .since = "0.1",
      .help = "How many helper processes open documents at once. 0: as many as there are processors." },
    { .name = "HELPER_MEMORY_MB",
      .flag = "helper-memory-mb",
      .kind = DM_SETTING_MEGABYTES,
      .fallback = "512",
      .least = 64,
      .most = 1000000,
      .example = "1024",
      .offset = AT(helper_bytes_max),
      .users = DM_USER_SERVER | DM_USER_RUN,
      .group = DM_GROUP_READING,
      .since = "0.1",
      .help = "How much memory one of them may take; a page that needs more fails with the reason too_large." },
    { .name = "OCR_HELPERS",
      .flag = "ocr-helpers",
      .kind = DM_SETTING_COUNT,
      .fallback = "0",
      .least = 0,
      .most = 64,
      .example = "2",
      .offset = AT(ocr_helpers),
      .users = DM_USER_SERVER | DM_USER_RUN,
      .group = DM_GROUP_READING,
      .since = "0.1",
      .help = "How many pages without text have it recognised at once. 0: as many as there are processors." },
    { .name = "OCR_TIMEOUT_SECONDS",
      .flag = "ocr-timeout-seconds",
      .kind = DM_SETTING_SECONDS,
      .fallback = "60",
      .least = 0.1,
      .most = 3600,
      .example = "120",
      .offset = AT(ocr_timeout_ms),
      .users = DM_USER_SERVER | DM_USER_RUN,
      .group = DM_GROUP_READING,
      .since = "0.1",
      .help = "How long the recognition of one page may take." },
    { .name = "OCR_LANGUAGES",
      .flag = "ocr-languages",
      .kind = DM_SETTING_TEXT,
      .fallback_words = "English and up to three more that are installed",
      .example = "eng+deu",
      .offset = AT(ocr_languages),
      .users = DM_USER_SERVER | DM_USER_RUN,
      .group = DM_GROUP_READING,
      .since = "0.1",
      .help = "The languages of scanned pages, in Tesseract's names." },
    { .name = "DOCMILL_HELPER",
      .kind = DM_SETTING_TEXT,
      .fallback_words = "`docmill-pdf` beside `docmill`, else where it was installed",
      .example = "/usr/libexec/docmill/docmill-pdf",
      .offset = AT(helper),
      .users = DM_USER_SERVER | DM_USER_RUN,
      .group = DM_GROUP_READING,
      .since = "0.1",
      .help = "The program that opens documents." },

    /* ---- how long things are kept -------------------------------------------------------------------------------- */
    { .name = "RETENTION_SOURCE_DAYS",
      .flag = "retention-source-days",
      .kind = DM_SETTING_DAYS,
      .fallback = "0",
      .least = 0,
      .most = 36500,
      .example = "7",
      .offset = AT(retention_source_ms),
      .users = DM_USER_SERVER,
      .group = DM_GROUP_KEEPING,
      .since = "0.1",
      .help = "When an ended document's file and the pictures of its pages are removed; it cannot be read again after "
              "that. "
              "0: never." },
    { .name = "RETENTION_PAGES_DAYS",
      .flag = "retention-pages-days",
      .kind = DM_SETTING_DAYS,
      .fallback = "0",
      .least = 0,
      .most = 36500,
      .example = "30",
      .offset = AT(retention_pages_ms),
      .users = DM_USER_SERVER,
      .group = DM_GROUP_KEEPING,
      .since = "0.1",
      .help = "When the texts and analyses of its single pages are removed; its result stays. 0: never." },
    { .name = "RETENTION_RESULTS_DAYS",
      .flag = "retention-results-days",
      .kind = DM_SETTING_DAYS,
      .fallback = "0",
      .least = 0,
      .most = 36500,
      .example = "90",
      .offset = AT(retention_results_ms),
      .users = DM_USER_SERVER,
      .group = DM_GROUP_KEEPING,
      .since = "0.1",
      .help = "When an ended document's results are removed. Once file, pages and results are all gone the document "
              "is, too. "
              "0: never." },

    /* ---- starting, stopping, logging ----------------------------------------------------------------------------- */
    { .name = "DOCMILL_ROLE",
      .flag = "role",
      .kind = DM_SETTING_ROLES,
      .fallback = "all",
      .choices = "all|api|worker|aggregator",
      .example = "all",
      .offset = AT(roles),
      .users = DM_USER_SERVER,
      .group = DM_GROUP_RUNNING,
      .since = "0.1",
      .help =
          "What this process does: all, or several with commas between. One process does all of it where the backends "
          "are embedded, for only one server can use a folder." },
    { .name = "DRAIN_SECONDS",
      .flag = "drain-seconds",
      .kind = DM_SETTING_SECONDS,
      .fallback = "8",
      .least = 0,
      .most = 3600,
      .example = "25",
      .offset = AT(drain_ms),
      .users = DM_USER_SERVER,
      .group = DM_GROUP_RUNNING,
      .since = "0.1",
      .help =
          "How long the server finishes what it has begun when it is told to stop (SIGTERM, Ctrl-C). What is not done "
          "by then is taken up by the next start. A second signal ends it at once." },
    { .name = "LOG_LEVEL",
      .flag = "log-level",
      .kind = DM_SETTING_CHOICE,
      .fallback = "info",
      .choices = "debug|info|warn|error|off",
      .example = "warn",
      .offset = AT(log_level),
      .users = DM_USER_SERVER | DM_USER_RUN,
      .group = DM_GROUP_RUNNING,
      .since = "0.1",
      .help = "Which lines the log has, on standard error: for people on a terminal, one JSON object a line elsewhere. "
              "`docmill run` has no log unless this is set." },

    /* ---- clients ------------------------------------------------------------------------------------------------- */
    { .name = "DOCMILL_SERVER",
      .flag = "server",
      .kind = DM_SETTING_TEXT,
      .fallback = "http://127.0.0.1:3005",
      .example = "http://127.0.0.1:3005",
      .refuse = dm_refuse_url,
      .offset = AT(server),
      .users = DM_USER_CLIENT | DM_USER_OPERATOR,
      .group = DM_GROUP_CLIENT,
      .since = "0.1",
      .help = "The server to talk to." },
    { .name = "DOCMILL_TENANT",
      .flag = "tenant",
      .kind = DM_SETTING_TEXT,
      .fallback = "default",
      .example = "acme",
      .refuse = dm_refuse_tenant,
      .offset = AT(tenant),
      .users = DM_USER_CLIENT,
      .group = DM_GROUP_CLIENT,
      .since = "0.1",
      .help = "Whose documents. Tenants do not see each other's." },
    { .name = "DOCMILL_PASSWORD",
      .flag = "password",
      .kind = DM_SETTING_TEXT,
      .fallback_words = "none",
      .example = "xyzzy",
      .secret = true,
      .offset = AT(password),
      .users = DM_USER_UPLOAD,
      .group = DM_GROUP_CLIENT,
      .since = "0.1",
      .help = "Opens an encrypted document. Other users of the machine can see the flags of a command: "
              "--password-file and this variable keep it from them." },

    /* ---- habits of the system ------------------------------------------------------------------------------------ */
    { .name = "NO_COLOR",
      .kind = DM_SETTING_SWITCH,
      .fallback_words = "not set",
      .example = "1",
      .offset = AT(no_color),
      .users = DM_USER_ANY,
      .group = DM_GROUP_HABITS,
      .since = "0.1",
      .help = "Any value switches colours off. They appear on terminals only." },
    { .name = "TERM",
      .kind = DM_SETTING_TEXT,
      .fallback_words = "not set",
      .example = "xterm",
      .offset = AT(terminal),
      .users = DM_USER_ANY,
      .group = DM_GROUP_HABITS,
      .since = "0.1",
      .help = "`dumb` switches colours and progress bars off." },
    { .name = "TMPDIR",
      .kind = DM_SETTING_TEXT,
      .fallback = "/tmp",
      .example = "/var/tmp",
      .offset = AT(temporary),
      .users = DM_USER_RUN,
      .group = DM_GROUP_HABITS,
      .since = "0.1",
      .help = "Where `docmill run` makes its folder, which it removes at the end." },
    { .name = "TESSDATA_PREFIX",
      .kind = DM_SETTING_TEXT,
      .fallback_words = "where Tesseract was installed",
      .example = "/usr/share/tesseract-ocr/5/tessdata",
      .offset = AT(ocr_data),
      .users = DM_USER_SERVER | DM_USER_RUN,
      .group = DM_GROUP_HABITS,
      .since = "0.1",
      .help = "Folder of Tesseract's data, for the recognition of scanned pages." },
    { .name = "HOME",
      .kind = DM_SETTING_TEXT,
      .fallback_words = "not set",
      .example = "/home/ann",
      .offset = AT(home),
      .users = DM_USER_SERVER,
      .group = DM_GROUP_HABITS,
      .since = "0.1",
      .help = "See DOCMILL_DATA." },
    { .name = "XDG_DATA_HOME",
      .kind = DM_SETTING_TEXT,
      .fallback_words = "not set",
      .example = "/home/ann/.local/share",
      .offset = AT(data_home),
      .users = DM_USER_SERVER,
      .group = DM_GROUP_HABITS,
      .since = "0.1",
      .help = "See DOCMILL_DATA." },
};

_Static_assert(DM_COUNT(table) <= DM_SETTINGS_MAX, "raise DM_SETTINGS_MAX");

const struct dm_setting *dm_settings_table(uint32_t *ret_count)
{
    *ret_count = DM_COUNT(table);
    return table;
}

const struct dm_setting *dm_setting_find(struct dm_str name)
{
    for (size_t i = 0; i < DM_COUNT(table); i++)
        if (dm_str_eq(dm_str_z(table[i].name), name))
            return &table[i];
    return NULL;
}

/* ---- rules of single values ------------------------------------------------------------------------------------- */

const char *dm_refuse_model(struct dm_str value)
{
    if (dm_str_eq(value, DM_STR("extractive:")) || dm_str_eq(value, DM_STR("extractive")))
        return NULL;
    return "only the built-in extractive: is in this version; it needs no key";
}

const char *dm_refuse_store(struct dm_str value)
{
    if (dm_str_starts(value, DM_STR("sqlite:")) && value.len > DM_STR("sqlite:").len)
        return NULL;
    if (dm_str_eq(value, DM_STR("sqlite:")))
        return "needs a path behind sqlite:";
    return "only sqlite:PATH is in this version";
}

const char *dm_refuse_stream(struct dm_str value)
{
    return dm_str_eq(value, DM_STR("sqlite:")) ? NULL : "only sqlite: is in this version";
}

const char *dm_refuse_blobs(struct dm_str value)
{
    if (dm_str_starts(value, DM_STR("file:")) && value.len > DM_STR("file:").len)
        return NULL;
    if (dm_str_eq(value, DM_STR("file:")))
        return "needs a folder behind file:";
    return "only file:DIR is in this version";
}

const char *dm_refuse_url(struct dm_str value)
{
    struct dm_str rest = { 0 };
    if (dm_str_starts(value, DM_STR("http://")))
        rest = dm_str_from(value, DM_STR("http://").len);
    else if (dm_str_starts(value, DM_STR("https://")))
        rest = dm_str_from(value, DM_STR("https://").len);
    else
        return "must begin with http:// or https://";
    if (rest.len == 0 || rest.at[0] == '/' || rest.at[0] == ':')
        return "has no host";
    /* What RFC 3986 has no place for must not get into links, which stand in JSON and in headers. */
    static const struct dm_str foreign = DM_STR_INIT("?#\"\\<>^`{|}");
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.at[i] <= ' ' || (unsigned char)value.at[i] >= 0x7f ||
            dm_str_find_char(foreign, value.at[i]) < foreign.len)
            return "must be a plain URL without spaces, quotes, ? and #";
    return NULL;
}

const char *dm_refuse_auth(struct dm_str value)
{
    if (dm_str_eq(value, DM_STR("on")))
        return "on is not in this version: there are no keys yet. With off the server listens on loopback only";
    return NULL;
}

const char *dm_refuse_tenant(struct dm_str value)
{
    struct dm_tenant tenant;
    if (dm_tenant_parse(value, &tenant, NULL) == DM_OK)
        return NULL;
    return "must be 1 to 64 letters, digits or . _ : @ - and begin with a letter or digit";
}
