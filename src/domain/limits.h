/* limits.h: the numbers that the rooms share. What an operator may change is a setting (cli/settings); these are not.
 */
#ifndef DM_DOMAIN_LIMITS_H
#define DM_DOMAIN_LIMITS_H

enum {
    DM_CLAIM_PAGES_MAX = 40,   /* a commit's records must fit one DynamoDB transaction (100 items) with room to spare */
    DM_CLAIM_LEASE_MS = 30000, /* how long a claim lives without renewal */
    DM_CLAIM_RENEW_MS = 10000, /* so two renewals may fail before a claim is lost */
    DM_COMMIT_WAIT_MS = 100,   /* how long an ended page may wait for company in its commit */
    DM_STATE_READ_MS = 500, /* a model call starts only on a read of STATE this fresh: half of what cancel promises */
    DM_PATIENCE_MS =
        24 * 3600 * 1000,             /* how long a page bears with a provider that asks it to wait; such answers do not
                                          count against MAX_ATTEMPTS */
    DM_KEY_PATIENCE_MS = 3600 * 1000, /* and with one that refuses the key, which somebody must mend */
    DM_OUTAGE_PATIENCE_MS =
        3600 * 1000, /* and with calls that fail while the provider is out of reach, which may be its own doing */
    DM_AGGREGATE_LEASE_MS = 30000,
    DM_AGGREGATE_RENEW_MS = 10000,
    DM_TIDY_MS = 60 * 1000, /* after the end of what did not complete: what late answers left behind is removed */
    DM_LEASE_GONE = 1, /* the end of a lease whose owner is known to be gone: long past, and not 0, which means none */
    DM_PAGE_LOSSES_MAX = 3,      /* a page lost this often alone ends `crashed`; the split likewise ends the document */
    DM_AGGREGATIONS_MAX = 5,     /* attempts at a result before the document ends `failed` */
    DM_NAME_MAX = 1024,          /* bytes of a file name */
    DM_METADATA_MAX = 16 * 1024, /* bytes of the client's metadata */
    DM_PASSWORD_MAX = 256,
    DM_PRIORITY_DEFAULT = 5,
    DM_PRIORITY_MAX = 9,
    DM_SEGMENT_LINE_MAX = 8 * 1024 * 1024, /* bytes of one page's line in a segment */
    DM_IDEM_KEEP_MS = 24 * 3600 * 1000,    /* how long an Idempotency-Key is remembered */
    DM_DELETE_GRACE_MS = 3600 * 1000       /* between a deletion and the removal of what it deleted */
};

#endif
