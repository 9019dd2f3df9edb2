// The CUDA runtime as the module uses it: errors in words, the devices that are there, and the one that a
// call is about.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace augsynth {

struct DeviceInfo {
  std::string name;
  int capability;  // 10 major + minor
  int processors;
  std::int64_t memory;  // bytes
};

// Throws NativeError where there is no driver or no device, saying so.
std::vector<DeviceInfo> list_devices();

// Throws NativeError with the name of the call, unless `status`, a cudaError_t, says that it succeeded.
void check_cuda(int status, const char* call);

// Makes a device the calling thread's current one, for as long as it lives.
class OnDevice {
 public:
  explicit OnDevice(int device);
  ~OnDevice();
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

 private:
  int before_ = 0;
};

}  // namespace augsynth
