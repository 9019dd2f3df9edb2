#include <cuda_runtime.h>

#include "core/errors.h"
#include "cuda/device.h"

namespace augsynth {

void check_cuda(int status, const char* call) {
  const auto error = static_cast<cudaError_t>(status);
  if (error == cudaSuccess) return;
  throw NativeError(std::string(call) + " failed: " + cudaGetErrorString(error) + " (" +
                    cudaGetErrorName(error) + ")");
}

std::vector<DeviceInfo> list_devices() {
  int count = 0;
  check_cuda(cudaGetDeviceCount(&count), "cudaGetDeviceCount");
  std::vector<DeviceInfo> devices;
  for (int i = 0; i < count; ++i) {
    cudaDeviceProp found;
    check_cuda(cudaGetDeviceProperties(&found, i), "cudaGetDeviceProperties");
    devices.push_back({found.name, 10 * found.major + found.minor, found.multiProcessorCount,
                       static_cast<std::int64_t>(found.totalGlobalMem)});
  }
  return devices;
}

OnDevice::OnDevice(int device) {
  check_cuda(cudaGetDevice(&before_), "cudaGetDevice");
  if (device != before_) check_cuda(cudaSetDevice(device), "cudaSetDevice");
}

OnDevice::~OnDevice() { cudaSetDevice(before_); }

}  // namespace augsynth
