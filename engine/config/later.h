/* Keys and values that the program knows but cannot do: each is refused by name, never ignored. Implementers' header of
 * engine/config. */
#pragma once

#include "engine/config/config.h"

enum lt_err refuse_what_comes_later(const struct config *config) LT_MUST_CHECK;
