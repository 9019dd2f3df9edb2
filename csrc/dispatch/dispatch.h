// Chooses the ISA whose body runs: the best that the CPU has, or the one that was forced.
#pragma once

#include <string>
#include <vector>

#include "pass/tile.h"
#include "whole_image/filters.h"

namespace augsynth {

struct Isa {
  const char* name;
  const char* flags;  // the compiler flags of its object
  bool available;     // on this CPU
  ScratchBytes scratch_bytes;
  RunTile run_tile;
  BlurPlane blur_plane;
  SharpenPlane sharpen_plane;
};

// All that were built, the best first.
const std::vector<Isa>& built_isas();

const Isa& active_isa();

// Makes an ISA the active one of the process. Throws NativeError where it was not built or the CPU
// lacks it.
void force_isa(const std::string& name);

}  // namespace augsynth
