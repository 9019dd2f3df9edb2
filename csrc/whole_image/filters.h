// Filters of whole images, which run between passes. filters.inl is compiled once an ISA; filters.cpp takes
// images apart for it.
#pragma once

#include "core/image.h"
#include "core/poll.h"
#include "whole_image/plane.h"

namespace augsynth {

// Half of a symmetric kernel of 2 middle + 1 weights: the first ones, and then the one in the middle.
struct HalfKernel {
  const float* weights;
  int middle;
};

// Working memory: how many lines of floats are kept, and where.
struct BlurMemory {
  float* margined;     // a line with `middle` pixels on both sides
  float* kept;         // the last lines, as many as the kernel is high, or as there are
  float* sums;         // a line
  const float** taps;  // as many as the kernel is high
};

struct SharpenMemory {
  float *kept, *columns, *result;  // three lines, one and one
};

// Convolves with a kernel along each axis, x first; beyond its edges the image is reflected about the
// outermost pixel centres. A sum is v[middle] w[middle] + (v[0] + v[2 middle]) w[0] + (v[1] + v[2 middle -
// 1]) w[1] + ..., from left to right, in float.
using BlurPlane = void(DType dtype, const Plane& source, const Plane& output, const HalfKernel& x,
                       const HalfKernel& y, const BlurMemory& memory, Poll& poll);

// Goes from the mean of 3x3 pixels, the middle one counted five times (factor 0), to the image (1) and
// beyond.
using SharpenPlane = void(DType dtype, const Plane& source, const Plane& output, float factor,
                          const SharpenMemory& memory, Poll& poll);

// Of images (height, width, channels) of the same shape and dtype, which do not overlap.
void blur(const Image& source, const Image& output, const HalfKernel& x, const HalfKernel& y, Poll& poll);
void sharpen(const Image& source, const Image& output, float factor, Poll& poll);

}  // namespace augsynth
