/* exits.h: private to cli: what the exit status says. Scripts rely on it; the manual is made from this list. */
#ifndef DM_CLI_EXITS_H
#define DM_CLI_EXITS_H

#define DM_EXITS(X) /* name, status, meaning */                                                                        \
    X(DONE, 0, "Done. Of a document: completed, and every page that was asked for has its analysis.")                  \
    X(FAILED, 1,                                                                                                       \
      "Failed. A document failed, was cancelled, was refused or completed without some of its pages; one such among "  \
      "many is enough.")                                                                                               \
    X(NOT_KNOWN, 2,                                                                                                    \
      "Not known. The document has not ended yet, the server knows no such document, does not answer, or the time "    \
      "given ran out. Trying again later can help.")                                                                   \
    X(USAGE, 64, "The command line or a setting is wrong; nothing was done.")

#define DM_EXIT_ENUM(name, status, meaning) DM_EXIT_##name = (status),
enum dm_exit { DM_EXITS(DM_EXIT_ENUM) };
#undef DM_EXIT_ENUM

#endif
