/* files_sync.c: syncs of folders, grouped.
 *
 * A new name is durable when its folder has been synced after the name was made. A sync that is already running
 * may have begun too early, so who arrives then waits for the next one, which starts as soon as the running one
 * ends and serves all who wait by then: however many uploads end at once, a folder is synced twice, not once for
 * each.
 *
 * A name deep down needs the folders above it, too. Which of those are durable is remembered by inode, in a
 * table of fixed size; who finds a folder that is not in it syncs the one above again, which is never wrong. */
#include "embedded/files.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/check.h"

/* Those who wait for syncs of one folder. */
struct dm_sync_group {
    dev_t device;
    ino_t inode;
    uint32_t users;
    bool running;
    uint64_t started; /* numbers of syncs */
    uint64_t ended;
    uint64_t failed; /* the last that failed */
    int failure;     /* errno of it */
    pthread_cond_t changed;
    struct dm_sync_group *next;
};

void dm_syncer_make(struct dm_syncer *syncer)
{
    memset(syncer, 0, sizeof(*syncer));
    pthread_mutex_init(&syncer->mutex, NULL);
}

void dm_syncer_free(struct dm_syncer *syncer)
{
    DM_CHECK(!syncer->groups);
    pthread_mutex_destroy(&syncer->mutex);
}

static struct dm_sync_group *join(struct dm_syncer *syncer, const struct stat *folder)
{
    struct dm_sync_group *group = syncer->groups;
    while (group && (group->device != folder->st_dev || group->inode != folder->st_ino))
        group = group->next;
    if (!group) {
        group = dm_alloc_zero(1, sizeof(*group));
        if (!group)
            return NULL;
        group->device = folder->st_dev;
        group->inode = folder->st_ino;
        pthread_cond_init(&group->changed, NULL);
        group->next = syncer->groups;
        syncer->groups = group;
    }
    group->users++;
    return group;
}

static void leave(struct dm_syncer *syncer, struct dm_sync_group *group)
{
    if (--group->users > 0)
        return;
    struct dm_sync_group **at = &syncer->groups;
    while (*at != group)
        at = &(*at)->next;
    *at = group->next;
    pthread_cond_destroy(&group->changed);
    dm_free(group);
}

static void run(struct dm_syncer *syncer, struct dm_sync_group *group, int folder_fd)
{
    uint64_t number = ++group->started;
    group->running = true;
    syncer->syncs++;
    pthread_mutex_unlock(&syncer->mutex);
    int failure = fsync(folder_fd) < 0 ? errno : 0;
    pthread_mutex_lock(&syncer->mutex);
    group->running = false;
    group->ended = number;
    if (failure) {
        group->failed = number;
        group->failure = failure;
    }
    pthread_cond_broadcast(&group->changed);
}

enum dm_code dm_syncer_sync(struct dm_syncer *syncer, int folder_fd, struct dm_err *err)
{
    struct stat folder;
    if (fstat(folder_fd, &folder) < 0)
        return dm_fail_errno(err, errno, "a folder of blobs");
    pthread_mutex_lock(&syncer->mutex);
    struct dm_sync_group *group = join(syncer, &folder);
    if (!group) {
        pthread_mutex_unlock(&syncer->mutex);
        return dm_fail_memory(err);
    }
    uint64_t mine = group->started + 1;
    while (group->ended < mine) {
        if (group->running)
            pthread_cond_wait(&group->changed, &syncer->mutex);
        else
            run(syncer, group, folder_fd);
    }
    /* After a failure a later success proves nothing: the system may have dropped what it could not write. */
    int failure = group->failed >= mine ? group->failure : 0;
    leave(syncer, group);
    pthread_mutex_unlock(&syncer->mutex);
    return failure ? dm_fail_errno(err, failure, "a folder of blobs cannot be synced") : DM_OK;
}

static uint64_t number_of(int folder_fd)
{
    struct stat folder;
    return fstat(folder_fd, &folder) == 0 ? (uint64_t)folder.st_ino : 0;
}

static bool is_known(struct dm_syncer *syncer, uint64_t number)
{
    pthread_mutex_lock(&syncer->mutex);
    bool known = number != 0 && syncer->known[number % DM_FOLDERS_KNOWN] == number;
    pthread_mutex_unlock(&syncer->mutex);
    return known;
}

enum dm_code dm_syncer_sync_path(struct dm_syncer *syncer, const int *folders, uint32_t count, struct dm_err *err)
{
    enum dm_code rc = dm_syncer_sync(syncer, folders[count - 1], err);
    for (uint32_t i = count - 1; rc == DM_OK && i > 0; i--) {
        uint64_t number = number_of(folders[i]);
        if (is_known(syncer, number))
            continue;
        rc = dm_syncer_sync(syncer, folders[i - 1], err);
        if (rc != DM_OK)
            break;
        pthread_mutex_lock(&syncer->mutex);
        syncer->known[number % DM_FOLDERS_KNOWN] = number;
        pthread_mutex_unlock(&syncer->mutex);
    }
    return rc;
}

void dm_syncer_forget(struct dm_syncer *syncer, int folder_fd)
{
    uint64_t number = number_of(folder_fd);
    pthread_mutex_lock(&syncer->mutex);
    if (syncer->known[number % DM_FOLDERS_KNOWN] == number)
        syncer->known[number % DM_FOLDERS_KNOWN] = 0;
    pthread_mutex_unlock(&syncer->mutex);
}
