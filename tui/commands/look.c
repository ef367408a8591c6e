#include "tui/commands/look.h"

#include <stdio.h>

static enum lt_err obey(struct preferences *look, enum preference id, const char *value)
{
    if (!value) return LT_OK;
    const enum lt_err err = preferences_set(look, id, value);
    return err == LT_OK ? LT_OK : lt_fail_in(LT_EUSAGE, "--");
}

enum lt_err look_read(struct preferences *look, const struct arguments *arguments, int at)
{
    const char *const *flag = arguments->value + at;
    if (preferences_read(look) != LT_OK) fprintf(stderr, "lathe: the settings are not all obeyed: %s\n", lt_message());
    if (flag[LOOK_THEME]) LT_TRY(preferences_set(look, PREFERENCE_THEME, flag[LOOK_THEME]));
    LT_TRY(obey(look, PREFERENCE_COLOR, flag[LOOK_COLOR]));
    LT_TRY(obey(look, PREFERENCE_GLYPHS, flag[LOOK_GLYPHS]));
    return obey(look, PREFERENCE_MOUSE, flag[LOOK_NO_MOUSE] ? "off" : NULL);
}
