/* The common JPEG, decoded without libjpeg: baseline or extended sequential, Huffman codes, 8 bits a sample, gray or
 * Y Cb Cr in one scan. The pixels are libjpeg-turbo's to the bit (accurate DCT, smooth upsampling). Whatever is
 * unusual or wrong is refused without a word: libjpeg then decodes, or says what is the matter. Thread: any. */
#pragma once

#include "data/codecs/codec.h"

#include <stdio.h>

#include <jpeglib.h>

/* Decodes a part of a picture whose header libjpeg has read (jpeg_read_header; nothing of libjpeg's changes). False: it
 * is not for this decoder; the picture's pixels are then of no use. */
bool sequential_decode(struct picture *picture, const struct jpeg_decompress_struct *jpeg, const struct box *part);

/* The same of planes: what covers the part, made smaller 1, 2, 4 or 8 times by means of that many rows and columns. */
bool sequential_decode_planes(struct planes *planes, const struct jpeg_decompress_struct *jpeg, const struct box *part,
                              int shrink);
