/* lathe demo: writes the bundled digits as an image folder, and the configuration that trains on them. */
#include "data/base/path.h"
#include "data/digits/unpack.h"
#include "tui/commands/command.h"

#include <stdio.h>
#include <string.h>

static const char folder[] = "demo/digits", configuration[] = "demo/digits.yaml";

static enum lt_err unpack(void)
{
    bool written;
    size_t length;
    LT_TRY(path_make_folder("demo"));
    LT_TRY(digits_unpack(folder, &written));
    if (written) printf("wrote %d pictures of handwritten digits to %s\n", DIGITS_PICTURES, folder);
    const char *yaml = digits_configuration(&length);
    if (path_exists(configuration)) return LT_OK; /* it may have been changed by hand */
    LT_TRY(path_write_atomic(configuration, yaml, length));
    printf("wrote %s; train with: lathe fit -c %s\n", configuration, configuration);
    return LT_OK;
}

static int run(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        printf("usage: lathe demo\n\nWrites %s (UCI optical digits, CC BY 4.0) and %s; what is there already stays.\n",
               folder, configuration);
        return 0;
    }
    if (argc > 1) return command_fail(lt_fail(LT_EUSAGE, "demo takes no arguments, but '%s' was given", argv[1]));
    enum lt_err err = unpack();
    return err == LT_OK ? 0 : command_fail(err);
}

const struct command command_demo = {
    .name = "demo", .help = "writes a small data set and a configuration to start with", .run = run};
