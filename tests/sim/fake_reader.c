/* fake_reader.c: a document reader that does as the document's script says, and as the run's faults have it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim.h"

enum { PAGE_DEADLINE_US = 30 * 1000 * 1000 };

/* ---- scripts ---- */

void script_text(const struct script *script, char *ret, size_t size)
{
    snprintf(
        ret, size,
        "%%PDF-1.7 sim number=%u tenant=%u pages=%u damaged=%u hanging=%u crashing=%u blocked=%u empty=%u oversized=%u "
        "mute=%u wrong=%u "
        "killing=%u killsplit=%u encrypted=%u nothing=%u keyed=%u choice=%s;",
        script->number, script->tenant, script->pages, script->damaged, script->hanging, script->crashing,
        script->blocked, script->empty, script->oversized, script->mute, script->wrong, script->killing,
        script->kills_split, script->encrypted, script->nothing, script->keyed, script->choice);
}

static uint32_t number_of(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? (uint32_t)strtoul(at + strlen(name), NULL, 10) : 0;
}

bool script_parse(const char *text, struct script *ret)
{
    if (!strstr(text, "number="))
        return false;
    *ret = (struct script){ .number = number_of(text, "number="),
                            .tenant = number_of(text, "tenant="),
                            .pages = number_of(text, "pages="),
                            .damaged = number_of(text, "damaged="),
                            .hanging = number_of(text, "hanging="),
                            .crashing = number_of(text, "crashing="),
                            .blocked = number_of(text, "blocked="),
                            .empty = number_of(text, "empty="),
                            .oversized = number_of(text, "oversized="),
                            .mute = number_of(text, "mute="),
                            .wrong = number_of(text, "wrong="),
                            .killing = number_of(text, "killing="),
                            .kills_split = number_of(text, "killsplit=") != 0,
                            .encrypted = number_of(text, "encrypted=") != 0,
                            .nothing = number_of(text, "nothing=") != 0,
                            .keyed = number_of(text, "keyed=") != 0 };
    const char *choice = strstr(text, "choice=");
    if (choice)
        snprintf(ret->choice, sizeof(ret->choice), "%.*s", (int)strcspn(choice + 7, ";"), choice + 7);
    return true;
}

void script_page(const struct script *script, uint32_t page, char *ret, size_t size)
{
    snprintf(ret, size, "tenant-%u document-%u page-%u", script->tenant, script->number, page);
}

/* ---- reader ---- */

struct dm_reader_handle {
    struct script script;
};

/* In small steps, for a drain may interrupt it. */
static enum dm_code hang(struct node *node, int64_t us, struct dm_err *err)
{
    for (int64_t end_us = node->sim->now_us + us; node->sim->now_us < end_us;) {
        if (node->interrupted)
            return dm_fail(err, DM_CANCELLED, "the reader was told to stop");
        sim_sleep_us(node->sim, 500000);
    }
    return dm_fail(err, DM_TIMEOUT, "it took the helper too long");
}

/* Trouble of the helper's that says nothing of the document, and verdicts that it did not deserve. */
static enum dm_code reader_fault(struct node *node, struct dm_err *err)
{
    struct sim *sim = node->sim;
    if (!sim_fault(sim, FAULT_READER))
        return DM_OK;
    switch (sim_below(sim, 6)) {
    case 0:
        return dm_fail(err, DM_BUSY, "no helper is free");
    case 1:
        return dm_fail(err, DM_IO, "a helper could not be started");
    case 2:
        return dm_fail(err, DM_INTERNAL, "the helper gave an answer that nobody asked for");
    case 3:
        return dm_fail(err, DM_CRASHED, "the helper died");
    case 4:
        return hang(node, PAGE_DEADLINE_US, err);
    default:
        sim_sleep_us(sim, sim_below(sim, 20000000)); /* slow, but in time */
        return DM_OK;
    }
}

static enum dm_code reader_open(void *self, const struct dm_tenant *tenant, const struct dm_source *source,
                                struct dm_reader_handle **ret, uint32_t *ret_pages, struct dm_err *err)
{
    struct node *node = self;
    struct sim *sim = node->sim;
    (void)tenant;
    char text[512] = { 0 };
    if (node->interrupted)
        return dm_fail(err, DM_CANCELLED, "the reader was told to stop");
    sim_sleep_us(sim, 1000 + sim_below(sim, 20000));
    enum dm_code rc = reader_fault(node, err);
    if (rc != DM_OK)
        return rc;
    struct script script;
    if (pread(source->fd, text, sizeof(text) - 1, 0) <= 0 || !script_parse(text, &script))
        return dm_fail(err, DM_DAMAGED, "no script");
    if (script.kills_split) {
        sim_tell(sim, "document %u kills its worker at the split", script.number);
        sim_crash(sim, node);
    }
    if (script.encrypted && !dm_str_eq(source->password, DM_STR("sesame")))
        return dm_fail(err, DM_ENCRYPTED, "it needs a password");
    if (script.nothing)
        return dm_fail(err, DM_NOT_FOUND, "it has no pages");
    struct dm_reader_handle *handle = dm_alloc_zero(1, sizeof(*handle));
    if (!handle)
        return dm_fail_memory(err);
    handle->script = script;
    *ret = handle;
    *ret_pages = script.pages;
    return DM_OK;
}

static enum dm_code reader_page(void *self, struct dm_reader_handle *handle, uint32_t page,
                                const struct dm_page_want *want, struct dm_page_content *ret, struct dm_err *err)
{
    struct node *node = self;
    struct sim *sim = node->sim;
    const struct script *script = &handle->script;
    (void)want;
    if (node->interrupted)
        return dm_fail(err, DM_CANCELLED, "the reader was told to stop");
    sim_sleep_us(sim, 500 + sim_below(sim, 30000));
    if (page == script->killing) {
        sim_tell(sim, "page %u of document %u kills its worker", page, script->number);
        sim_crash(sim, node);
    }
    if (page == script->damaged)
        return dm_fail(err, DM_DAMAGED, "page %u is damaged", page);
    if (page == script->crashing)
        return dm_fail(err, DM_CRASHED, "page %u ends the helper", page);
    if (page == script->hanging)
        return hang(node, PAGE_DEADLINE_US, err);
    enum dm_code rc = reader_fault(node, err);
    if (rc != DM_OK)
        return rc;
    char text[128] = "";
    if (page != script->empty)
        script_page(script, page, text, sizeof(text));
    ret->text = dm_buf_make(4096);
    dm_buf_add_z(&ret->text, text);
    rc = dm_buf_check(&ret->text, "a page's text", err);
    if (rc != DM_OK)
        dm_buf_free(&ret->text);
    return rc;
}

static void reader_close(void *self, struct dm_reader_handle *handle)
{
    (void)self;
    dm_free(handle);
}

static void reader_interrupt(void *self)
{
    struct node *node = self;
    node->interrupted = true;
}

static enum dm_code fine(void *self, struct dm_err *err)
{
    (void)self;
    (void)err;
    return DM_OK;
}

static const struct dm_reader_ops reader_ops = {
    "sim", reader_open, reader_page, reader_close, reader_interrupt, fine
};

struct dm_reader reader_port(struct node *node)
{
    return (struct dm_reader){ &reader_ops, node };
}
