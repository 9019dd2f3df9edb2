#include "dispatch/dispatch.h"

#include <atomic>

#include "core/errors.h"
#include "dispatch/cpu_features.h"

namespace augsynth {

namespace {

std::vector<Isa> list_isas() {
  [[maybe_unused]] const CpuFeatures cpu = detect_cpu();
  std::vector<Isa> isas;
#define AUGSYNTH_APPEND(name, flags, available, list) list.push_back({list.size(), #name, flags, available});
  AUGSYNTH_EACH_ISA(AUGSYNTH_APPEND, isas)
#undef AUGSYNTH_APPEND
  return isas;
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
