/* Errors: every function that can fail returns enum lt_err, and the caller must look. The sentence for the user lies in
 * one line per thread: it names the value, the place (file:line of the user's own file) and what to do next.
 * Thread: any; each thread has its own line. */
#pragma once

#include <stdnoreturn.h>

#define LT_MUST_CHECK          __attribute__((warn_unused_result))
#define LT_PRINTF(text, first) __attribute__((format(printf, text, first)))

enum lt_err {
#define ERR(name, exit_code, sentence) name,
#include "data/base/err.def"
#undef ERR
};

/* Stores the formatted sentence as this thread's message and returns `code`. Long messages are cut at 2047 bytes. */
enum lt_err lt_fail(enum lt_err code, const char *format, ...) LT_PRINTF(2, 3);

/* Puts the formatted text in front of the stored message (a caller adds where it happened) and returns `code`. */
enum lt_err lt_fail_in(enum lt_err code, const char *format, ...) LT_PRINTF(2, 3);

/* lt_fail for a failed system call on `path`: appends errno's text; ENOSPC and EDQUOT become LT_ENOSPC, ENOMEM
 * LT_ENOMEM, everything else LT_EIO. */
enum lt_err lt_fail_errno(const char *action, const char *path);

#ifdef __clang_analyzer__ /* tells the analyzer, which sees one file at a time, that failing never gives LT_OK */
#define lt_fail(code, ...)          (lt_fail(code, __VA_ARGS__), code)
#define lt_fail_errno(action, path) (lt_fail_errno(action, path), LT_EIO)
#endif

/* Lends this thread's message; "" when nothing failed. */
const char *lt_message(void);

/* The process exit code that goes with `code`. */
int lt_exit_code(enum lt_err code);

/* The general sentence of `code`, for when no message was stored. */
const char *lt_err_sentence(enum lt_err code);

/* Passes an error up. */
#define LT_TRY(call)                                                                                                   \
    do {                                                                                                               \
        enum lt_err lt_try_code = (call);                                                                              \
        if (lt_try_code != LT_OK) return lt_try_code;                                                                  \
    } while (0)

/* A function run before the process aborts on a broken invariant (the screen restores the terminal). */
void lt_on_panic(void (*restore)(void));

/* Broken invariant (never user input): restores the terminal, prints, aborts. */
noreturn void lt_panic(const char *file, int line, const char *format, ...) LT_PRINTF(3, 4);

#define lt_assert(condition)                                                                                           \
    do {                                                                                                               \
        if (!(condition)) lt_panic(__FILE__, __LINE__, "broken invariant: %s", #condition);                            \
    } while (0)
