/* What tests compare the JPEG codec with. Thread: any; a picture belongs to one. */
#pragma once

#include "data/codecs/codec.h"

/* The codec's `decode`, by libjpeg alone: the same pixels and the same errors. */
enum lt_err jpeg_decode_by_library(struct picture *picture, const uint8_t *bytes, size_t length,
                                   struct box part) LT_MUST_CHECK;
