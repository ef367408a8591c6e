#include "data/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local char message[2048];
static void (*panic_hook)(void);

static const struct {
    int exit_code;
    const char *sentence;
} errors[] = {
#define ERR(name, exit_code, sentence) [name] = {exit_code, sentence},
#include "data/base/err.def"
#undef ERR
};

enum lt_err(lt_fail)(enum lt_err code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char text[sizeof message]; /* an argument may be the old message */
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    memcpy(message, text, sizeof message);
    return code;
}

enum lt_err lt_fail_in(enum lt_err code, const char *format, ...)
{
    char prefix[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);
    return lt_fail(code, "%s%s", prefix, message[0] ? message : lt_err_sentence(code));
}

enum lt_err(lt_fail_errno)(const char *action, const char *path)
{
    int number = errno;
    char text[128];
    enum lt_err code = number == ENOSPC || number == EDQUOT ? LT_ENOSPC : number == ENOMEM ? LT_ENOMEM : LT_EIO;
    return lt_fail(code, "cannot %s %s: %s", action, path, strerror_r(number, text, sizeof text));
}

const char *lt_message(void)
{
    return message;
}

int lt_exit_code(enum lt_err code)
{
    return errors[code].exit_code;
}

const char *lt_err_sentence(enum lt_err code)
{
    return errors[code].sentence;
}

void lt_on_panic(void (*restore)(void))
{
    panic_hook = restore;
}

void lt_panic(const char *file, int line, const char *format, ...)
{
    if (panic_hook) panic_hook();
    va_list args;
    va_start(args, format);
    fprintf(stderr, "lathe: %s:%d: ", file, line);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}
