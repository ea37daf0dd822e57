/* attributes.h: the only compiler extensions docmill uses, under readable names.
 *
 * DM_AUTO(type) declares an owned local that cleans itself up at every exit of its scope: it calls
 * `type_free` on the variable's address, so such a local must start empty (see style idiom in
 * CONTRIBUTING.md). Handing the value on is an explicit `type_move`. */
#ifndef DM_BASE_ATTRIBUTES_H
#define DM_BASE_ATTRIBUTES_H

#define DM_MUST_USE __attribute__((warn_unused_result))
#define DM_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#define DM_NORETURN __attribute__((noreturn))
#define DM_CLEANUP(function) __attribute__((cleanup(function)))
#define DM_AUTO(type) DM_CLEANUP(type##_free) struct type

#define DM_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
