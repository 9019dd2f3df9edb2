// Part of stages.inl: where the pixels of an output line lie in the source.
namespace augsynth {
namespace AUGSYNTH_ISA_NAME {
namespace {

constexpr int kChunk = 256;  // output columns at a time: a multiple of all vector widths and of a noise block

// A run of pixels of one output line on its way through the stages.
struct Chunk {
  int y, x, count;
  double sx[kChunk], sy[kChunk];  // positions in the source
  double value[kMaxChannels][kChunk];
};

Doubles linear(const double* m, Doubles x, Doubles y) {
  return Doubles::broadcast(m[0]) * x + Doubles::broadcast(m[1]) * y + Doubles::broadcast(m[2]);
}

void find_positions_affine(const PlanRow& row, Chunk& chunk) {
  const Doubles y = Doubles::broadcast(chunk.y + 0.5);
  for (int i = 0; i < chunk.count; i += Doubles::kLanes) {
    const Doubles x = Doubles::ramp(chunk.x + i + 0.5);
    linear(row.inverse, x, y).store(chunk.sx + i);
    linear(row.inverse + 3, x, y).store(chunk.sy + i);
  }
}

// The corners of a valid row are sound, and so is all between them: there w is at least its largest corner
// value over 4 W H, which rounding, some 2^-50 of that value, cannot reach for an output that fits into
// memory.
void find_positions_projective(const PlanRow& row, Chunk& chunk) {
  const Doubles y = Doubles::broadcast(chunk.y + 0.5);
  for (int i = 0; i < chunk.count; i += Doubles::kLanes) {
    const Doubles x = Doubles::ramp(chunk.x + i + 0.5);
    const Doubles w = linear(row.inverse + 6, x, y);
    (linear(row.inverse, x, y) / w).store(chunk.sx + i);
    (linear(row.inverse + 3, x, y) / w).store(chunk.sy + i);
  }
}

}  // namespace
}  // namespace AUGSYNTH_ISA_NAME
}  // namespace augsynth
