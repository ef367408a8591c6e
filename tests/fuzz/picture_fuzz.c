/* Any bytes as a picture: decoded whole within the limit, or refused with a sentence. */
#include "data/codecs/codec.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    enum { LIMIT = 1 << 20 };
    static struct picture picture; /* kept, as a loader's worker keeps it */
    if (picture_decode(&picture, bytes, length, LIMIT) == LT_OK) {
        if (picture.width < 1 || picture.height < 1 || (int64_t)picture.width * picture.height > LIMIT) abort();
        uint8_t sum = 0;
        for (int64_t i = 0; i < (int64_t)picture.width * picture.height * 3; i++) sum ^= picture.rgb[i];
        if (sum == 1 && picture.capacity == 0) abort();
    } else if (lt_message()[0] == 0) {
        abort();
    }
    return 0;
}
