/* settings.c: finds each setting's value, understands it, and works out what follows from several of them.
 *
 * Everything goes on after a fault, so that one start shows all that is wrong. */
#include "cli/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/calendar.h"
#include "cli/nearest.h"
#include "cli/text.h"
#include "models/models.h"

enum { CONFIG_BYTES_MAX = 256 * 1024, SHOWN_MAX = 80, TEXTS_MAX = 512 * 1024, SENTENCE_MAX = 2048 };

struct loader {
    const struct dm_setting_sources *sources;
    unsigned users;
    struct dm_setting_values *values;
    struct dm_settings *settings;
    struct dm_buf *faults;
    uint32_t fault_count;
};

/* ---- faults ----------------------------------------------------------------------------------------------------- */

/* What comes from outside is shown without what a terminal would obey, and cut between characters. */
static const struct dm_look plain_look = { .utf8 = true };

static void add_shown(struct dm_buf *buf, struct dm_str text)
{
    dm_text_add_fit(buf, text, SHOWN_MAX, &plain_look);
}

static void add_line(const struct loader *loader, uint32_t number)
{
    dm_text_add_clean(loader->faults, dm_str_z(loader->sources->config), &plain_look);
    dm_buf_addf(loader->faults, " line %u", number);
}

static void begin_fault(struct loader *loader, const struct dm_setting *setting, const struct dm_setting_value *value)
{
    loader->fault_count++;
    if (value->origin == DM_ORIGIN_FLAG)
        dm_buf_addf(loader->faults, "--%s ", setting->flag);
    else
        dm_buf_addf(loader->faults, "%s=", setting->name);
    add_shown(loader->faults, setting->secret ? DM_STR("***") : value->text);
    if (value->origin == DM_ORIGIN_ENVIRONMENT)
        dm_buf_add_z(loader->faults, " (environment)");
    if (value->origin == DM_ORIGIN_PARAMETER)
        dm_buf_add_z(loader->faults, " (parameter)");
    if (value->origin == DM_ORIGIN_FILE) {
        dm_buf_add_z(loader->faults, " (");
        add_line(loader, value->line);
        dm_buf_add_char(loader->faults, ')');
    }
    dm_buf_add_z(loader->faults, ": ");
}

static void end_fault(struct loader *loader, const struct dm_setting *setting, const struct dm_setting_value *value)
{
    if (value->origin == DM_ORIGIN_FLAG)
        dm_buf_addf(loader->faults, "; for example --%s %s\n", setting->flag, setting->example);
    else
        dm_buf_addf(loader->faults, "; for example %s=%s\n", setting->name, setting->example);
}

static void fault(struct loader *loader, const struct dm_setting *setting, const struct dm_setting_value *value,
                  const char *sentence)
{
    begin_fault(loader, setting, value);
    dm_text_add_clean(loader->faults, dm_str_z(sentence), &plain_look); /* some quote the value */
    end_fault(loader, setting, value);
}

static void fault_range(struct loader *loader, const struct dm_setting *setting, const struct dm_setting_value *value)
{
    begin_fault(loader, setting, value);
    dm_buf_add_z(loader->faults, "must be ");
    dm_setting_range(setting, loader->faults);
    end_fault(loader, setting, value);
}

/* `word` is what is compared with the settings' names. */
static void add_no_setting(const struct loader *loader, struct dm_str name, struct dm_str word)
{
    struct dm_nearest nearest = { .word = word };
    uint32_t count;
    const struct dm_setting *table = dm_settings_table(&count);
    for (uint32_t i = 0; i < count; i++)
        dm_nearest_offer(&nearest, table[i].name);
    dm_buf_add_z(loader->faults, ": there is no setting ");
    add_shown(loader->faults, name);
    if (nearest.best)
        dm_buf_addf(loader->faults, "; did you mean %s?", nearest.best);
    dm_buf_add_z(loader->faults, "\n");
}

/* ---- the file of --config ---------------------------------------------------------------------------------------- */

static void config_line(struct loader *loader, struct dm_str line, uint32_t number)
{
    line = dm_str_trim(line);
    if (line.len == 0 || line.at[0] == '#')
        return;
    size_t equals = dm_str_find_char(line, '=');
    struct dm_str name = dm_str_trim(dm_str_cut(line, 0, equals));
    struct dm_str value = dm_str_trim(dm_str_from(line, equals + 1));
    if (equals == line.len || dm_str_find_char(line, '\0') < line.len) {
        loader->fault_count++;
        add_line(loader, number);
        dm_buf_add_z(loader->faults, ": is no NAME=value\n");
        return;
    }
    if (value.len >= 2 && (value.at[0] == '"' || value.at[0] == '\'') && value.at[value.len - 1] == value.at[0])
        value = dm_str_cut(value, 1, value.len - 2);

    uint32_t count;
    const struct dm_setting *table = dm_settings_table(&count);
    const struct dm_setting *setting = dm_setting_find(name);
    if (!setting) {
        loader->fault_count++;
        add_line(loader, number);
        add_no_setting(loader, name, name);
        return;
    }
    struct dm_setting_value *found = &loader->values->of[setting - table];
    if (found->line != 0) {
        loader->fault_count++;
        add_line(loader, number);
        dm_buf_addf(loader->faults, ": %s is also set in line %u\n", setting->name, found->line);
        return;
    }
    *found = (struct dm_setting_value){ .text = dm_arena_str(&loader->settings->arena, value),
                                        .origin = value.len ? DM_ORIGIN_FILE : DM_ORIGIN_DEFAULT,
                                        .line = number };
}

static void read_config(struct loader *loader)
{
    const char *path = loader->sources->config;
    DM_AUTO(dm_buf) bytes = dm_buf_make(CONFIG_BYTES_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : 0;
    for (;;) {
        char *at = fd < 0 ? NULL : dm_buf_reserve(&bytes, 4096);
        if (!at)
            break;
        got = read(fd, at, 4096);
        if (got <= 0)
            break;
        dm_buf_grown(&bytes, (size_t)got);
    }
    int problem = errno;
    if (fd >= 0)
        (void)close(fd);
    if (got != 0) {
        loader->fault_count++;
        dm_buf_add_z(loader->faults, "--config ");
        dm_text_add_clean(loader->faults, dm_str_z(path), &plain_look);
        dm_buf_addf(loader->faults, ": %s\n",
                    got < 0 ? strerror(problem) : "is larger than 256 KiB; is it the right file?");
        return;
    }
    struct dm_str rest = dm_buf_str(&bytes), line;
    for (uint32_t number = 1; dm_str_next(&rest, '\n', &line); number++)
        config_line(loader, line, number);
}

/* ---- parameters of SSM ------------------------------------------------------------------------------------------- */

static void fault_parameter(struct loader *loader, const char *name, const char *sentence)
{
    loader->fault_count++;
    dm_buf_addf(loader->faults, "parameter %s: %s\n", name, sentence);
}

static void no_such_setting(struct loader *loader, const char *name)
{
    struct dm_str whole = dm_str_z(name);
    char word[DM_SETTING_NAME_MAX + 1] = "";
    for (size_t slash; (slash = dm_str_find_char(whole, '/')) < whole.len;)
        whole = dm_str_from(whole, slash + 1);
    for (size_t i = 0; i < whole.len && i < DM_SETTING_NAME_MAX; i++) {
        char c = whole.at[i];
        word[i] = (char)(c == '-' ? '_' : c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    loader->fault_count++;
    dm_buf_add_z(loader->faults, "parameter ");
    add_shown(loader->faults, dm_str_z(name));
    add_no_setting(loader, whole, dm_str_z(word));
}

/* What must be known before SSM can be asked. */
static bool leads_to_parameters(const struct dm_setting *setting)
{
    struct dm_str name = dm_str_z(setting->name);
    return dm_str_starts(name, DM_STR("AWS_")) || dm_str_eq(name, DM_STR("SSM_PARAMETER_PATH"));
}

static void take_parameter(struct loader *loader, const struct dm_parameter *parameter)
{
    uint32_t count;
    const struct dm_setting *table = dm_settings_table(&count);
    const struct dm_setting *setting = dm_setting_of_parameter(dm_str_z(parameter->name));
    if (!setting) {
        no_such_setting(loader, parameter->name);
        return;
    }
    struct dm_setting_value *found = &loader->values->of[setting - table];
    const char **name = &loader->settings->parameters[setting - table];
    struct dm_str text = dm_str_trim(dm_secret_reveal(&parameter->value)); /* as lines of a file are */
    if (leads_to_parameters(setting))
        fault_parameter(loader, parameter->name, "is needed to find the parameters, so it cannot be one of them");
    else if (*name)
        fault_parameter(loader, parameter->name, "is the same setting as another parameter's");
    else if (dm_str_find_char(text, '\0') < text.len)
        fault_parameter(loader, parameter->name, "is no text");
    else
        *name = dm_arena_str(&loader->settings->arena, dm_str_z(parameter->name)).at;
    if (*name && found->text.len == 0 && text.len > 0)
        *found = (struct dm_setting_value){ .text = text, .origin = DM_ORIGIN_PARAMETER };
}

static void take_parameters(struct loader *loader)
{
    const struct dm_parameters *parameters = loader->sources->parameters;
    for (uint32_t i = 0; i < parameters->count; i++) {
        if (!dm_str_eq(dm_str_z(parameters->at[i].name), DM_STR(DM_KMS_MAC_PARAMETER))) /* docmill's own */
            take_parameter(loader, &parameters->at[i]);
    }
}

/* ---- finding values ---------------------------------------------------------------------------------------------- */

static struct dm_str in_environment(const char *const *environment, const char *name)
{
    size_t len = strlen(name);
    for (; environment && *environment; environment++)
        if (strncmp(*environment, name, len) == 0 && (*environment)[len] == '=')
            return dm_str_z(*environment + len + 1);
    return DM_STR("");
}

static void find_value(struct loader *loader, const struct dm_setting *setting, uint32_t row)
{
    struct dm_setting_value *value = &loader->values->of[row];
    struct dm_str text = in_environment(loader->sources->environment, setting->name);
    if (text.len > 0)
        *value = (struct dm_setting_value){ .text = text, .origin = DM_ORIGIN_ENVIRONMENT };
    const char *flag = loader->sources->flags ? loader->sources->flags[row] : NULL;
    if (flag)
        *value = (struct dm_setting_value){ .text = dm_str_z(flag), .origin = DM_ORIGIN_FLAG };
    /* An empty flag is a mistake of a script, unlike an empty variable, which is how one is unset in many places. */
    if (flag && !*flag)
        fault(loader, setting, value, "is empty");
    if (value->text.len == 0)
        *value = (struct dm_setting_value){ .text = dm_str_z(setting->fallback), .origin = DM_ORIGIN_DEFAULT };
    if (value->origin != DM_ORIGIN_PARAMETER)
        loader->settings->parameters[row] = NULL;
}

/* ---- understanding values ---------------------------------------------------------------------------------------- */

/* Digits with at most one point and six digits behind it. */
static bool parse_decimal(struct dm_str text, double *ret)
{
    size_t point = dm_str_find_char(text, '.');
    struct dm_str whole = dm_str_cut(text, 0, point), fraction = dm_str_from(text, point + 1);
    uint64_t units = 0, parts = 0;
    if (!dm_str_to_u64(whole, &units) || units > UINT64_C(1000000000000))
        return false;
    if (point < text.len && (fraction.len > 6 || !dm_str_to_u64(fraction, &parts)))
        return false;
    double scale = 1;
    for (size_t i = 0; i < fraction.len; i++)
        scale *= 10;
    *ret = (double)units + (double)parts / scale;
    return true;
}

static bool choice_of(const char *choices, struct dm_str text, uint32_t *ret)
{
    struct dm_str rest = dm_str_z(choices), choice;
    for (uint32_t i = 0; dm_str_next(&rest, '|', &choice); i++) {
        if (dm_str_eq(choice, text)) {
            *ret = i;
            return true;
        }
    }
    return false;
}

/* "api,worker" as bits; "all" is the first choice and means every other. */
static bool roles_of(const char *choices, struct dm_str text, uint32_t *ret)
{
    uint32_t roles = 0, place;
    struct dm_str part;
    while (dm_str_next(&text, ',', &part)) {
        if (!choice_of(choices, dm_str_trim(part), &place))
            return false;
        roles |= place == 0 ? DM_ROLE_API | DM_ROLE_WORKER | DM_ROLE_AGGREGATOR : 1U << (place - 1);
    }
    *ret = roles;
    return roles != 0;
}

static void land_text(struct loader *loader, const struct dm_setting *setting, const struct dm_setting_value *value,
                      struct dm_str *to)
{
    *to = dm_arena_str(&loader->settings->arena, value->text);
    if (!to->at) {
        *to = DM_STR("");
        fault(loader, setting, value, "is too long");
    }
}

static void land(struct loader *loader, const struct dm_setting *setting, const struct dm_setting_value *value)
{
    char *at = (char *)loader->settings + setting->offset;
    uint32_t place = 0;
    double number = 0;
    switch (setting->kind) {
    case DM_SETTING_TEXT:
        land_text(loader, setting, value, (struct dm_str *)(void *)at);
        return;
    case DM_SETTING_SWITCH:
        *(bool *)(void *)at = value->text.len > 0;
        return;
    case DM_SETTING_CHOICE:
    case DM_SETTING_ROLES:
        if (!(setting->kind == DM_SETTING_CHOICE ? choice_of : roles_of)(setting->choices, value->text, &place))
            fault_range(loader, setting, value);
        *(uint32_t *)(void *)at = place;
        return;
    case DM_SETTING_COUNT:
    case DM_SETTING_MEGABYTES:
    case DM_SETTING_SECONDS:
    case DM_SETTING_DAYS:
    case DM_SETTING_KIND_COUNT:
        break;
    }
    if (!parse_decimal(value->text, &number) || number < setting->least || number > setting->most ||
        (setting->kind == DM_SETTING_COUNT && dm_str_find_char(value->text, '.') < value->text.len)) {
        fault_range(loader, setting, value);
        return;
    }
    if (setting->kind == DM_SETTING_COUNT)
        *(uint32_t *)(void *)at = (uint32_t)number;
    else if (setting->kind == DM_SETTING_MEGABYTES)
        *(uint64_t *)(void *)at = (uint64_t)llround(number * DM_MEGABYTE);
    else
        /* What is more than nothing stays so: 0 means "never" or "at once". */
        *(int64_t *)(void *)at =
            (int64_t)ceil(number * (double)(setting->kind == DM_SETTING_DAYS ? DM_DAY_MS : DM_SECOND_MS));
}

/* ---- what follows from several settings -------------------------------------------------------------------------- */

enum dm_code dm_listen_parse(struct dm_str text, struct dm_address *ret, struct dm_err *err)
{
    struct dm_address address;
    enum dm_code rc = dm_server_address_parse(text, &address, err);
    if (rc != DM_OK)
        return rc;
    if (!dm_server_address_is_loopback(&address))
        return dm_fail(
            err, DM_DENIED,
            "is not loopback. Requests carry no credentials yet (AUTH=off): whoever reaches this address could "
            "read and delete everything. Listen on 127.0.0.1 and let others in through ssh -L or a proxy that "
            "asks who they are");
    *ret = address;
    return DM_OK;
}

static struct dm_setting_value *value_of(const struct loader *loader, const char *name, const struct dm_setting **ret)
{
    uint32_t count;
    *ret = dm_setting_find(dm_str_z(name));
    return &loader->values->of[*ret - dm_settings_table(&count)];
}

/* MODEL is there, too: the same, or a fault. */
static void compare_models(struct loader *loader, const struct dm_setting *setting,
                           const struct dm_setting_value *value, const char *name_setting, struct dm_str name)
{
    const struct dm_settings *settings = loader->settings;
    struct dm_model_name given;
    if (dm_model_name_parse(settings->model, &given, NULL) != DM_OK)
        return; /* refused already */
    if (dm_str_eq(given.provider, settings->llm_provider) && (name.len == 0 || dm_str_eq(given.model, name)))
        return;
    DM_AUTO(dm_buf) sentence = dm_buf_make(SENTENCE_MAX);
    dm_buf_addf(&sentence, "LLM_PROVIDER=%.*s", DM_STR_ARG(settings->llm_provider));
    if (name.len > 0)
        dm_buf_addf(&sentence, " and %s=%.*s", name_setting, DM_STR_ARG(name));
    dm_buf_addf(&sentence, " say%s otherwise: take away the one or the other", name.len > 0 ? "" : "s");
    fault(loader, setting, value, dm_buf_z(&sentence));
}

/* MODEL out of LLM_PROVIDER and the setting that names the provider's model. A flag goes before other places, as always; among
 * those nobody could say which of two models was meant. The names of models count for nothing without LLM_PROVIDER: other programs
 * read those variables, too, and where documents are sent must not depend on that. */
static void work_out_model(struct loader *loader)
{
    struct dm_settings *settings = loader->settings;
    const struct dm_setting *row, *provider_row, *name_row = NULL;
    struct dm_setting_value *model = value_of(loader, "MODEL", &row);
    const struct dm_setting_value *provider = value_of(loader, "LLM_PROVIDER", &provider_row);
    if (settings->llm_provider.len == 0 || model->origin == DM_ORIGIN_FLAG)
        return;
    const char *name_setting = dm_model_name_setting(settings->llm_provider);
    struct dm_str name = name_setting ? value_of(loader, name_setting, &name_row)->text : DM_STR("");
    if (model->origin != DM_ORIGIN_DEFAULT) {
        compare_models(loader, row, model, name_setting, name);
        return;
    }
    DM_AUTO(dm_buf) sentence = dm_buf_make(SENTENCE_MAX);
    if (name_setting && name.len == 0) {
        dm_buf_addf(&sentence, "needs the name of a model beside it, as in %s=%s", name_setting, name_row->example);
        fault(loader, provider_row, provider, dm_buf_z(&sentence));
        return;
    }
    struct dm_str text =
        dm_arena_fmt(&settings->arena, "%.*s:%.*s", DM_STR_ARG(settings->llm_provider), DM_STR_ARG(name));
    const char *refused = text.at ? dm_refuse_model(text) : "is too long";
    if (refused) {
        fault(loader, name_row ? name_row : provider_row,
              name_row ? value_of(loader, name_setting, &name_row) : provider, refused);
        return;
    }
    settings->model = text;
    *model = (struct dm_setting_value){ .text = text, .origin = provider->origin, .line = provider->line };
}

static void work_out_address(struct loader *loader)
{
    struct dm_settings *settings = loader->settings;
    const struct dm_setting *setting;
    const struct dm_setting_value *value = value_of(loader, "LISTEN", &setting);
    struct dm_str listen = settings->listen;
    struct dm_err err;
    if (listen.len == 0)
        listen = dm_arena_fmt(&settings->arena, "127.0.0.1:%u", settings->port);
    if (dm_listen_parse(listen, &settings->address, &err) != DM_OK)
        fault(loader, setting, value, err.text);
}

/* DYNAMODB_TABLE_NAME is STORE in the words of deployments on AWS. */
static void work_out_store(struct loader *loader)
{
    struct dm_settings *settings = loader->settings;
    struct dm_str table = settings->dynamodb_table, store = settings->store;
    const struct dm_setting *setting;
    const struct dm_setting_value *value = value_of(loader, "DYNAMODB_TABLE_NAME", &setting);
    bool same =
        dm_str_starts(store, DM_STR("dynamodb:")) && dm_str_eq(dm_str_from(store, DM_STR("dynamodb:").len), table);
    if (table.len > 0 && store.len > 0 && !same)
        fault(loader, setting, value, "and STORE say otherwise: take away the one or the other");
    if (store.len == 0)
        settings->store = table.len > 0 ? dm_arena_fmt(&settings->arena, "dynamodb:%s", table.at)
                                        : dm_arena_fmt(&settings->arena, "sqlite:%s/docmill.db", settings->data.at);
}

/* S3_BUCKET_NAME is BLOBS in the words of deployments on AWS. */
static void work_out_blobs(struct loader *loader)
{
    struct dm_settings *settings = loader->settings;
    struct dm_str bucket = settings->s3_bucket, blobs = settings->blobs;
    const struct dm_setting *setting;
    const struct dm_setting_value *value = value_of(loader, "S3_BUCKET_NAME", &setting);
    struct dm_str named = dm_str_from(blobs, DM_STR("s3:").len);
    named = dm_str_cut(named, 0, dm_str_find_char(named, '/'));
    if (bucket.len > 0 && blobs.len > 0 && !(dm_str_starts(blobs, DM_STR("s3:")) && dm_str_eq(named, bucket)))
        fault(loader, setting, value, "and BLOBS say otherwise: take away the one or the other");
    if (blobs.len == 0)
        settings->blobs = bucket.len > 0 ? dm_arena_fmt(&settings->arena, "s3:%s", bucket.at)
                                         : dm_arena_fmt(&settings->arena, "file:%s/blobs", settings->data.at);
}

static void work_out_folder(struct loader *loader)
{
    struct dm_settings *settings = loader->settings;
    struct dm_arena *arena = &settings->arena;
    if (settings->data.len == 0 && settings->data_home.len > 0)
        settings->data = dm_arena_fmt(arena, "%s/docmill", settings->data_home.at);
    else if (settings->data.len == 0 && settings->home.len > 0)
        settings->data = dm_arena_fmt(arena, "%s/.local/share/docmill", settings->home.at);
    if (settings->data.len == 0) {
        loader->fault_count++;
        dm_buf_add_z(loader->faults,
                     "DOCMILL_DATA: is needed where HOME is not set; for example --data /var/lib/docmill\n");
        return;
    }
    work_out_store(loader);
    work_out_blobs(loader);
    if (!settings->store.at || !settings->blobs.at) {
        loader->fault_count++;
        dm_buf_add_z(loader->faults, "DOCMILL_DATA: is too long\n");
    }
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

uint32_t dm_settings_load(const struct dm_setting_sources *sources, unsigned users, struct dm_settings *ret,
                          struct dm_setting_values *ret_values, struct dm_buf *faults)
{
    struct dm_setting_values values = { 0 };
    struct loader loader = {
        .sources = sources, .users = users | DM_USER_ANY, .values = &values, .settings = ret, .faults = faults
    };
    *ret = (struct dm_settings){ .arena = dm_arena_make(TEXTS_MAX) };
    if (sources->config)
        read_config(&loader);
    if (sources->parameters)
        take_parameters(&loader);
    uint32_t count;
    const struct dm_setting *table = dm_settings_table(&count);
    for (uint32_t i = 0; i < count; i++) {
        if (!(table[i].users & loader.users))
            continue;
        find_value(&loader, &table[i], i);
        const char *refused = table[i].refuse && values.of[i].text.len > 0 ? table[i].refuse(values.of[i].text) : NULL;
        if (refused)
            fault(&loader, &table[i], &values.of[i], refused);
        else if (values.of[i].text.len > 0)
            land(&loader, &table[i], &values.of[i]);
    }
    if (users & (DM_USER_SERVER | DM_USER_RUN))
        work_out_model(&loader);
    if (users & DM_USER_SERVER) {
        work_out_address(&loader);
        work_out_folder(&loader);
    }
    if (ret_values)
        *ret_values = values;
    return loader.fault_count;
}

/* Texts of secrets are overwritten, wherever they came from. */
static void wipe_secrets(struct dm_settings *settings)
{
    uint32_t count;
    const struct dm_setting *table = dm_settings_table(&count);
    for (uint32_t i = 0; i < count; i++) {
        struct dm_str text = DM_STR("");
        if (table[i].secret && table[i].kind == DM_SETTING_TEXT)
            memcpy(&text, (const char *)settings + table[i].offset, sizeof(text));
        dm_wipe((char *)(uintptr_t)text.at, text.len);
    }
}

void dm_settings_free(struct dm_settings *settings)
{
    wipe_secrets(settings);
    dm_arena_free(&settings->arena);
    *settings = (struct dm_settings){ 0 };
}
