#include "data/codecs/jpeg_sequential.h"

#include "data/base/isa.h"
#include "data/base/memory.h"
#include "data/codecs/jpeg_frame.h"

#include <string.h>

/* What a picture keeps for the next one, as most files have them in common. */
struct tables {
    struct jpeg_codes dc[NUM_HUFF_TBLS];
    struct jpeg_pairs ac[NUM_HUFF_TBLS];
};

/* A component's samples of the MCUs that are kept, all rows of them; and the coefficients of one row. */
struct room {
    uint8_t *samples; /* of row `top` and column `left` */
    size_t stride;
    int top, left;
    int groups; /* of blocks side by side */
    int16_t *coefficient;
    size_t coefficients; /* in a row of blocks */
    uint8_t *row;        /* one row as large as the picture's, from the part's left on */
};

struct decoder {
    const struct jpeg_kernels *kernels;
    struct jpeg_frame frame;
    struct jpeg_stream stream;
    struct box part;
    int first, last, from, to; /* rows of MCUs, and columns up to `to` - 1, that the part needs */
    struct room room[3];
    uint16_t *sum; /* of one row, for upsampling */
    uint8_t *bytes;
    uint32_t *end;
    size_t pieces;
};

extern const struct jpeg_kernels jpeg_kernels_avx512, jpeg_kernels_avx2, jpeg_kernels_baseline;

static const struct jpeg_kernels *choose_kernels(void)
{
    static const struct jpeg_kernels *const tables[ISA_COUNT] = {&jpeg_kernels_baseline, &jpeg_kernels_avx2,
                                                                 &jpeg_kernels_avx512, &jpeg_kernels_avx512};
    enum isa isa;
    return tables[isa_choose(&isa) == LT_OK ? isa : ISA_BASELINE];
}

/* ---- what the header says ---- */

static bool is_common(const struct jpeg_decompress_struct *jpeg)
{
    const bool gray = jpeg->num_components == 1 && jpeg->jpeg_color_space == JCS_GRAYSCALE,
               colour = jpeg->num_components == 3 && jpeg->jpeg_color_space == JCS_YCbCr;
    return (gray || colour) && jpeg->data_precision == 8 && !jpeg->progressive_mode && !jpeg->arith_code &&
           jpeg->comps_in_scan == jpeg->num_components && jpeg->Ss == 0 && jpeg->Se == 63 && jpeg->Ah == 0 &&
           jpeg->Al == 0;
}

static bool set_component(struct jpeg_component *self, const struct jpeg_decompress_struct *jpeg, int c,
                          struct tables *tables)
{
    const jpeg_component_info *of = &jpeg->comp_info[c];
    const int quant = of->quant_tbl_no, dc = of->dc_tbl_no, ac = of->ac_tbl_no;
    if (jpeg->cur_comp_info[c] != of || quant < 0 || quant >= NUM_QUANT_TBLS || !jpeg->quant_tbl_ptrs[quant] ||
        dc >= NUM_HUFF_TBLS || !jpeg->dc_huff_tbl_ptrs[dc] || ac >= NUM_HUFF_TBLS || !jpeg->ac_huff_tbl_ptrs[ac])
        return false;
    *self = (struct jpeg_component){
        .h = of->h_samp_factor,
        .v = of->v_samp_factor,
        .across = jpeg->max_h_samp_factor / of->h_samp_factor,
        .down = jpeg->max_v_samp_factor / of->v_samp_factor,
        .width = (int)of->downsampled_width,
        .height = (int)of->downsampled_height,
        .dc = &tables->dc[dc],
        .ac = &tables->ac[ac],
    };
    for (int i = 0; i < DCTSIZE2; i++) self->quant[i] = jpeg->quant_tbl_ptrs[quant]->quantval[i];
    return self->across * self->h == jpeg->max_h_samp_factor && self->down * self->v == jpeg->max_v_samp_factor &&
           jpeg_codes_set(&tables->dc[dc], jpeg->dc_huff_tbl_ptrs[dc]->bits, jpeg->dc_huff_tbl_ptrs[dc]->huffval) &&
           jpeg_pairs_set(&tables->ac[ac], jpeg->ac_huff_tbl_ptrs[ac]->bits, jpeg->ac_huff_tbl_ptrs[ac]->huffval);
}

static bool set_frame(struct jpeg_frame *self, const struct jpeg_decompress_struct *jpeg, struct tables *tables)
{
    if (!is_common(jpeg)) return false;
    *self = (struct jpeg_frame){
        .components = jpeg->num_components,
        .width = (int)jpeg->image_width,
        .height = (int)jpeg->image_height,
        .h = jpeg->max_h_samp_factor,
        .v = jpeg->max_v_samp_factor,
        .restart = jpeg->restart_interval,
    };
    self->mcus_across = (self->width + 8 * self->h - 1) / (8 * self->h);
    self->mcus_down = (self->height + 8 * self->v - 1) / (8 * self->v);
    int blocks = 0;
    for (int c = 0; c < self->components; c++) {
        if (!set_component(&self->component[c], jpeg, c, tables)) return false;
        blocks += self->component[c].h * self->component[c].v;
    }
    const bool full = self->component[0].across == 1 && self->component[0].down == 1;
    return full && blocks <= D_MAX_BLOCKS_IN_MCU && (self->components == 3 || blocks == 1);
}

/* ---- memory ---- */

/* The MCUs that the part needs, with a sample more on each side for upsampling. libjpeg does not look at rows behind
 * `last` either. */
static void set_reach(struct decoder *self, const struct box *part)
{
    const struct jpeg_frame *frame = &self->frame;
    const int high = 8 * frame->v, wide = 8 * frame->h, top = part->top - frame->v, left = part->left - frame->h;
    self->part = *part;
    self->first = top > 0 ? top / high : 0;
    self->from = left > 0 ? left / wide : 0;
    self->last = (part->top + part->height - 1 + frame->v) / high;
    self->to = (part->left + part->width - 1 + frame->h) / wide + 1;
    if (self->last >= frame->mcus_down) self->last = frame->mcus_down - 1;
    if (self->to > frame->mcus_across) self->to = frame->mcus_across;
}

/* Memory that is handed out from the front, or, while there is none, measured. */
struct arena {
    uint8_t *memory;
    size_t used;
};

/* `lead` bytes lie before what is returned. */
static void *take(struct arena *arena, size_t lead, size_t bytes)
{
    uint8_t *taken = arena->memory ? arena->memory + arena->used + lead : NULL;
    arena->used += (lead + bytes + MEMORY_ALIGN - 1) / MEMORY_ALIGN * MEMORY_ALIGN;
    return taken;
}

static void lay_out_component(struct decoder *self, int c, struct arena *arena)
{
    const struct jpeg_component *component = &self->frame.component[c];
    struct room *room = &self->room[c];
    const size_t group = (size_t)self->kernels->group, rows = (size_t)(self->last - self->first + 1) * 8,
                 groups = ((size_t)((self->to - self->from) * component->h) + group - 1) / group;
    room->groups = (int)groups;
    room->top = self->first * component->v * 8;
    room->left = self->from * component->h * 8;
    room->coefficients = groups * group * 64;
    room->coefficient = take(arena, 0, room->coefficients * (size_t)component->v * sizeof *room->coefficient);
    room->stride = groups * group * 8 + JPEG_SLACK;
    room->samples = take(arena, JPEG_SLACK, rows * (size_t)component->v * room->stride + JPEG_SLACK);
    room->row = take(arena, 0, (size_t)self->part.width + (size_t)4 * JPEG_SLACK);
}

/* Makes room for all that decoding needs; coefficients are zero. */
static bool make_room(struct decoder *self, struct codec_memory *kept, size_t length)
{
    struct arena arena = {0};
    for (int pass = 0; pass < 2; pass++) {
        arena.used = 0;
        for (int c = 0; c < self->frame.components; c++) lay_out_component(self, c, &arena);
        self->sum = take(&arena, JPEG_SLACK, ((size_t)self->part.width + JPEG_SLACK) * sizeof *self->sum);
        self->end = take(&arena, 0, self->pieces * sizeof *self->end);
        self->bytes = take(&arena, 0, length + JPEG_STREAM_PAD);
        if (pass == 0 && codec_scratch(kept, &arena.memory, arena.used) != LT_OK) return false;
    }
    for (int c = 0; c < self->frame.components; c++)
        memset(self->room[c].coefficient, 0,
               self->room[c].coefficients * (size_t)self->frame.component[c].v * sizeof *self->room[c].coefficient);
    return true;
}

/* ---- entropy-coded data ---- */

/* B.1.1.5: takes out the zeros behind bytes 0xff, and the restart markers; false if they are not as they should be, or
 * if the scan does not end with the picture. */
static bool set_stream(struct decoder *self, const uint8_t *at, size_t length)
{
    const uint8_t *const end = at + length, *marker;
    uint8_t *to = self->bytes;
    size_t piece = 0;
    for (;; at = marker + 2) {
        marker = memchr(at, 0xff, (size_t)(end - at));
        if (!marker || end - marker < 2) return false;
        const size_t run = (size_t)(marker - at) + (marker[1] == 0);
        memcpy(to, at, run);
        to += run;
        if (marker[1] == 0) continue;
        self->end[piece++] = (uint32_t)(to - self->bytes);
        if (marker[1] == JPEG_EOI) break;
        if (marker[1] != JPEG_RST0 + (piece - 1) % 8 || piece == self->pieces) return false;
    }
    memset(to, 0, JPEG_STREAM_PAD);
    self->stream = (struct jpeg_stream){.bytes = self->bytes,
                                        .at = self->bytes,
                                        .end = self->end,
                                        .left = self->frame.restart > 0 ? self->frame.restart : INT64_MAX};
    return piece == self->pieces;
}

/* Everything up to the last MCU that the part needs. */
static bool read_samples(struct decoder *self)
{
    const struct jpeg_kernels *kernels = self->kernels;
    const struct jpeg_frame *frame = &self->frame;
    int16_t *coefficient[3] = {0};
    size_t stride[3] = {0};
    for (int c = 0; c < frame->components; c++) {
        coefficient[c] = self->room[c].coefficient;
        stride[c] = self->room[c].coefficients;
    }
    for (int row = 0; row <= self->last; row++) {
        const bool kept = row >= self->first;
        if (!kernels->read(&self->stream, frame, coefficient, stride, self->from, kept ? self->to : self->from))
            return false;
        for (int c = 0; kept && c < frame->components; c++) {
            const struct room *room = &self->room[c];
            const int blocks = frame->component[c].v;
            for (int y = 0; y < blocks; y++)
                if (!kernels->invert(room->samples + (size_t)((row - self->first) * blocks + y) * 8 * room->stride,
                                     room->stride, room->coefficient + (size_t)y * room->coefficients,
                                     frame->component[c].quant, room->groups))
                    return false;
        }
    }
    return true;
}

/* ---- pixels ---- */

/* libjpeg's smooth upsampling across, from sums of which the first is sum[0]: the ends of the picture's rows have
 * themselves as neighbours. */
static void spread(const struct decoder *self, int c, int first, int count, bool is_sum_of_rows)
{
    uint16_t *sum = self->sum;
    if (first == 0) sum[-1] = sum[0];
    if (first + count == self->frame.component[c].width) sum[count] = sum[count - 1];
    if (is_sum_of_rows)
        self->kernels->spread(self->room[c].row, sum, count, 8, 7, 4);
    else
        self->kernels->spread(self->room[c].row, sum, count, 1, 2, 2);
}

static void repeat(uint8_t *to, const uint8_t *from, int count, int times)
{
    for (int x = 0; x < count; x++)
        for (int i = 0; i < times; i++) *to++ = from[x];
}

/* The part's row y of a component, as large as the picture (jdsample.c: which way for which sampling). */
static const uint8_t *upsample(const struct decoder *self, int c, int y)
{
    const struct jpeg_component *component = &self->frame.component[c];
    const struct jpeg_kernels *kernels = self->kernels;
    const struct room *room = &self->room[c];
    const int across = component->across, down = component->down, first = self->part.left / across,
              count = (self->part.left + self->part.width - 1) / across - first + 1, row = y / down;
    int neighbour = row + (y % 2 ? 1 : -1);
    if (neighbour < 0 || neighbour >= component->height) neighbour = row;
    const uint8_t *near = room->samples + (size_t)(row - room->top) * room->stride + (first - room->left),
                  *far = down == 1 ? near : near + (neighbour - row) * (ptrdiff_t)room->stride;
    if (across == 1 && down == 1) return near;
    if (across == 1 && down == 2) {
        kernels->blend(room->row, near, far, count, y % 2 ? 2 : 1);
    } else if (across == 2 && down == 2 && component->width > 2) {
        kernels->sum_rows(self->sum - 1, near - 1, far - 1, count + 2);
        spread(self, c, first, count, true);
    } else if (across == 2 && down == 1 && component->width > 2) {
        kernels->sum_row(self->sum - 1, near - 1, count + 2);
        spread(self, c, first, count, false);
    } else {
        repeat(room->row, near, count, across);
    }
    return room->row + (self->part.left - first * across);
}

/* Gray is colour without any. */
static void set_pixels(struct decoder *self, struct picture *picture)
{
    const bool is_gray = self->frame.components == 1;
    const int width = self->part.width;
    if (is_gray) memset(self->room[0].row, 128, (size_t)width + JPEG_SLACK);
    for (int y = 0; y < self->part.height; y++) {
        const uint8_t *row[3];
        for (int c = 0; c < 3; c++)
            row[c] = is_gray && c > 0 ? self->room[0].row : upsample(self, c, self->part.top + y);
        self->kernels->colour(picture->rgb + (size_t)y * (size_t)width * 3, row[0], row[1], row[2], width);
    }
}

/* Samples of all components. */
static bool decode(struct decoder *self, struct codec_memory *kept, const struct jpeg_decompress_struct *jpeg,
                   const struct box *part)
{
    const size_t length = jpeg->src->bytes_in_buffer;
    *self = (struct decoder){.kernels = choose_kernels(), .pieces = 1};
    if (!kept->tables) kept->tables = memory_new(1, sizeof(struct tables));
    if (!set_frame(&self->frame, jpeg, kept->tables)) return false;
    const int64_t mcus = (int64_t)self->frame.mcus_across * self->frame.mcus_down, restart = self->frame.restart;
    if (restart > 0) self->pieces = (size_t)((mcus + restart - 1) / restart);
    if (length / 2 < self->pieces || length > UINT32_MAX) return false;
    set_reach(self, part);
    return make_room(self, kept, length) && set_stream(self, jpeg->src->next_input_byte, length) && read_samples(self);
}

bool sequential_decode(struct picture *picture, const struct jpeg_decompress_struct *jpeg, const struct box *part)
{
    struct decoder self;
    if (!decode(&self, &picture->kept, jpeg, part) || picture_resize(picture, part->height, part->width) != LT_OK)
        return false;
    set_pixels(&self, picture);
    return true;
}

/* ---- planes ---- */

/* The samples that were decoded, as far as the picture has them; made smaller in their place. */
static void set_plane(const struct decoder *self, int c, struct plane *plane, int shrink)
{
    const struct jpeg_component *component = &self->frame.component[c];
    const struct room *room = &self->room[c];
    const int decoded_right = self->to * component->h * 8, decoded_end = (self->last + 1) * component->v * 8,
              right = decoded_right < component->width ? decoded_right : component->width,
              end = decoded_end < component->height ? decoded_end : component->height;
    *plane = (struct plane){
        .pixels = room->samples,
        .stride = room->stride,
        .left = room->left / shrink,
        .top = room->top / shrink,
        .width = (right - room->left + shrink - 1) / shrink,
        .height = (end - room->top + shrink - 1) / shrink,
        .across = component->across * shrink,
        .down = component->down * shrink,
    };
    for (int y = 0; shrink > 1 && y < plane->height; y++)
        self->kernels->shrink(room->samples + (size_t)y * room->stride,
                              room->samples + (size_t)y * (size_t)shrink * room->stride, room->stride, plane->width,
                              shrink);
}

bool sequential_decode_planes(struct planes *planes, const struct jpeg_decompress_struct *jpeg, const struct box *part,
                              int shrink)
{
    struct decoder self;
    if (!decode(&self, &planes->kept, jpeg, part) || self.frame.components != 3) return false;
    for (int c = 0; c < 3; c++) set_plane(&self, c, &planes->plane[c], shrink);
    return true;
}
