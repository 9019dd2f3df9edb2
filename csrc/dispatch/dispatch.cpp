#include "dispatch/dispatch.h"

#include <atomic>

#include "core/errors.h"
#include "dispatch/cpu_features.h"

#if AUGSYNTH_X86
#define AUGSYNTH_X86_ISA AUGSYNTH_ISA
#else
#define AUGSYNTH_X86_ISA(name, flags, available)
#endif

namespace augsynth {

#define AUGSYNTH_ISA(name, flags, available)                                                          \
  namespace name {                                                                                    \
  std::size_t scratch_bytes(const PlanRow&, int, int);                                                \
  void run_tile(const PlanRow&, const Entries&, const SourceView&, const OutputView&, int, int,       \
                unsigned char*, Poll&);                                                               \
  void blur_plane(DType, const Plane&, const Plane&, const Kernel&, const Kernel&, const BlurMemory&, \
                  Poll&);                                                                             \
  void sharpen_plane(DType, const Plane&, const Plane&, float, const SharpenMemory&, Poll&);          \
  }
#include "dispatch/isas.def"
#undef AUGSYNTH_ISA

namespace {

std::vector<Isa> list_isas() {
  [[maybe_unused]] const CpuFeatures cpu = detect_cpu();
#define AUGSYNTH_ISA(name, flags, available) \
  {#name, flags, available, name::scratch_bytes, name::run_tile, name::blur_plane, name::sharpen_plane},
  return {
#include "dispatch/isas.def"
  };
#undef AUGSYNTH_ISA
}

const Isa* best_isa() {
  for (const Isa& isa : built_isas())
    if (isa.available) return &isa;
  return nullptr;  // the baseline runs everywhere
}

std::atomic<const Isa*>& active() {
  static std::atomic<const Isa*> isa{best_isa()};
  return isa;
}

}  // namespace

const std::vector<Isa>& built_isas() {
  static const std::vector<Isa> isas = list_isas();
  return isas;
}

const Isa& active_isa() { return *active(); }

void force_isa(const std::string& name) {
  std::string available;
  for (const Isa& isa : built_isas()) {
    if (!isa.available) continue;
    if (isa.name == name) {
      active() = &isa;
      return;
    }
    available += available.empty() ? isa.name : std::string(", ") + isa.name;
  }
  throw NativeError("ISA '" + name + "' is not available on this CPU in this build; available: " + available);
}

}  // namespace augsynth
