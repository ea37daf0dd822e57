/* ports_blob.c: a node's blobs over the one world, with the faults of the run; its sinks and descriptors go with it. */
#include "ports.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

/* ---- blobs ---- */

/* A sink of a node: it vanishes with it. */
struct sink_note {
    struct sink_note *next;
    struct dm_sink *inner;
};

static struct dm_blob inner_blob(const struct node *node)
{
    return memory_blob_port(node->sim->blob);
}

static enum dm_code enter_blob(struct node *node, struct dm_err *err)
{
    struct sim *sim = node->sim;
    port_point(node);
    if (sim->blob_away) {
        sim_sleep_us(sim, 200000 + sim_below(sim, 10000000));
        if (!sim_one_in(sim, 4))
            return dm_fail(err, DM_UNAVAILABLE, "the blob store does not answer");
    } else {
        sim_sleep_us(sim, 100 + sim_below(sim, 3000));
    }
    if (sim_fault(sim, FAULT_BLOB_FAILS))
        return dm_fail(err, sim_one_in(sim, 2) ? DM_UNAVAILABLE : DM_IO, "the blob store failed");
    return DM_OK;
}

/* The call has happened; whether its answer arrives is another matter. */
static enum dm_code leave_blob(struct node *node, enum dm_code rc, struct dm_err *err)
{
    struct sim *sim = node->sim;
    if (rc == DM_OK && sim_fault(sim, FAULT_BLOB_FAILS))
        rc = dm_fail(err, DM_TIMEOUT, "the blob store did not answer in time");
    sim_sleep_us(sim, sim_below(sim, 1500));
    port_point(node);
    return rc;
}

static enum dm_code blob_create(void *self, enum dm_sink_use use, struct dm_sink **ret, struct dm_err *err)
{
    struct node *node = self;
    enum dm_code rc = enter_blob(node, err);
    struct dm_sink *inner;
    if (rc == DM_OK)
        rc = dm_sink_create(inner_blob(node), use, &inner, err);
    if (rc != DM_OK)
        return rc;
    struct sink_note *note = calloc(1, sizeof(*note));
    note->inner = inner;
    note->next = node->sinks;
    node->sinks = note;
    *ret = inner;
    return DM_OK;
}

static void forget_sink(struct node *node, const struct dm_sink *inner)
{
    for (struct sink_note **at = &node->sinks; *at; at = &(*at)->next) {
        if ((*at)->inner != inner)
            continue;
        struct sink_note *note = *at;
        *at = note->next;
        free(note);
        return;
    }
}

static enum dm_code blob_write(void *self, struct dm_sink *sink, struct dm_str bytes, struct dm_err *err)
{
    struct node *node = self;
    enum dm_code rc = enter_blob(node, err);
    return rc == DM_OK ? dm_sink_write(inner_blob(node), sink, bytes, err) : rc;
}

static bool is_result(struct dm_str key)
{
    return dm_str_find(key, DM_STR("/results-")) < key.len && dm_str_ends(key, DM_STR(".json"));
}

static enum dm_code finish_and_compare(struct node *node, struct dm_sink *sink, const struct dm_tenant *tenant,
                                       struct dm_str key, enum dm_durability durability, struct dm_blob_info *ret,
                                       struct dm_err *err)
{
    struct sim *sim = node->sim;
    struct dm_str before = { 0 };
    char *copy = NULL;
    if (is_result(key) && memory_blob_find(sim->blob, tenant, key, &before)) {
        copy = malloc(before.len + 1);
        memcpy(copy, before.at, before.len);
        before.at = copy;
    }
    enum dm_code rc = dm_sink_finish(inner_blob(node), sink, tenant, key, durability, ret, err);
    struct dm_str after;
    if (rc == DM_OK && is_result(key) && memory_blob_find(sim->blob, tenant, key, &after))
        judge_result_written(sim, key, before, after);
    free(copy);
    return rc;
}

static enum dm_code blob_finish(void *self, struct dm_sink *sink, const struct dm_tenant *tenant, struct dm_str key,
                                enum dm_durability durability, struct dm_blob_info *ret, struct dm_err *err)
{
    struct node *node = self;
    judge_blob(node->sim, tenant, key);
    enum dm_code rc = enter_blob(node, err);
    forget_sink(node, sink);
    if (rc != DM_OK) {
        dm_sink_abandon(inner_blob(node), sink);
        return rc;
    }
    struct dm_blob_info info;
    rc = finish_and_compare(node, sink, tenant, key, durability, &info, err);
    if (rc == DM_OK)
        *ret = info;
    return leave_blob(node, rc, err);
}

static void blob_abandon(void *self, struct dm_sink *sink)
{
    struct node *node = self;
    if (!sink)
        return;
    forget_sink(node, sink);
    dm_sink_abandon(inner_blob(node), sink);
}

static enum dm_code blob_put_new(void *self, const struct dm_tenant *tenant, struct dm_str key, struct dm_str bytes,
                                 enum dm_durability durability, struct dm_err *err)
{
    struct node *node = self;
    judge_blob(node->sim, tenant, key);
    enum dm_code rc = enter_blob(node, err);
    if (rc != DM_OK)
        return rc;
    rc = dm_blob_put_new(inner_blob(node), tenant, key, bytes, durability, err);
    if (rc == DM_OK)
        judge_segment(node->sim, tenant, key, bytes);
    return leave_blob(node, rc, err);
}

static enum dm_code blob_get(void *self, const struct dm_tenant *tenant, struct dm_str key, uint64_t offset,
                             uint64_t size, struct dm_buf *buf, struct dm_err *err)
{
    struct node *node = self;
    judge_blob(node->sim, tenant, key);
    enum dm_code rc = enter_blob(node, err);
    return rc == DM_OK ? dm_blob_get(inner_blob(node), tenant, key, offset, size, buf, err) : rc;
}

/* A number may be another file's by now. */
static bool still_open(const struct fd_note *note)
{
    struct stat info;
    return fstat(note->fd, &info) == 0 && info.st_ino == note->inode;
}

static void note_descriptor(struct node *node, int fd)
{
    const uint32_t room = sizeof(node->fds) / sizeof(node->fds[0]);
    if (node->fd_count == room) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < room; i++)
            if (still_open(&node->fds[i]))
                node->fds[kept++] = node->fds[i];
        node->fd_count = kept;
    }
    struct stat info;
    DM_CHECK(node->fd_count < room && fstat(fd, &info) == 0);
    node->fds[node->fd_count++] = (struct fd_note){ fd, info.st_ino };
}

static enum dm_code blob_open(void *self, const struct dm_tenant *tenant, struct dm_str key, int *ret_fd,
                              struct dm_blob_info *ret, struct dm_err *err)
{
    struct node *node = self;
    judge_blob(node->sim, tenant, key);
    enum dm_code rc = enter_blob(node, err);
    int fd = -1;
    if (rc == DM_OK)
        rc = dm_blob_open(inner_blob(node), tenant, key, &fd, ret, err);
    if (rc != DM_OK)
        return rc;
    note_descriptor(node, fd);
    *ret_fd = fd;
    return DM_OK;
}

static enum dm_code blob_remove(void *self, const struct dm_tenant *tenant, struct dm_str key, struct dm_err *err)
{
    struct node *node = self;
    judge_blob(node->sim, tenant, key);
    enum dm_code rc = enter_blob(node, err);
    if (rc != DM_OK)
        return rc;
    rc = dm_blob_remove(inner_blob(node), tenant, key, err);
    return leave_blob(node, rc, err);
}

static enum dm_code blob_remove_all(void *self, const struct dm_tenant *tenant, struct dm_str prefix,
                                    struct dm_err *err)
{
    struct node *node = self;
    judge_blob(node->sim, tenant, prefix);
    enum dm_code rc = enter_blob(node, err);
    if (rc != DM_OK)
        return rc;
    rc = dm_blob_remove_all(inner_blob(node), tenant, prefix, err);
    return leave_blob(node, rc, err);
}

static enum dm_code blob_list(void *self, const struct dm_tenant *tenant, struct dm_str prefix, struct dm_str after,
                              uint32_t max, struct dm_arena *arena, struct dm_blob_list *ret, struct dm_err *err)
{
    struct node *node = self;
    judge_blob(node->sim, tenant, prefix);
    enum dm_code rc = enter_blob(node, err);
    return rc == DM_OK ? dm_blob_list(inner_blob(node), tenant, prefix, after, max, arena, ret, err) : rc;
}

static enum dm_code fine(void *self, struct dm_err *err)
{
    (void)self;
    (void)err;
    return DM_OK;
}

static const struct dm_blob_ops blob_ops = { "sim",        blob_create,     blob_write, blob_finish,
                                             blob_abandon, blob_put_new,    blob_get,   blob_open,
                                             blob_remove,  blob_remove_all, blob_list,  fine };

struct dm_blob node_blob(struct node *node)
{
    return (struct dm_blob){ &blob_ops, node };
}

/* ---- what goes with the node ---- */

uint32_t node_descriptors_close(struct node *node)
{
    uint32_t open = 0;
    for (uint32_t i = 0; i < node->fd_count; i++) {
        if (!still_open(&node->fds[i]))
            continue;
        close(node->fds[i].fd);
        open++;
    }
    node->fd_count = 0;
    return open;
}

void node_sinks_abandon(struct node *node)
{
    while (node->sinks) {
        struct sink_note *note = node->sinks;
        node->sinks = note->next;
        dm_sink_abandon(inner_blob(node), note->inner);
        free(note);
    }
}
