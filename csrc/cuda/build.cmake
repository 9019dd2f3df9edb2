# The module augsynth._native._cuda. Neither libtorch nor a shared CUDA runtime is linked, so one build serves every torch and
# imports on machines without a driver.
if(AUGSYNTH_CUDA STREQUAL "OFF" OR AUGSYNTH_SANITIZE OR AUGSYNTH_PORTABLE)
  return()
endif()

include(CheckLanguage)
set(CMAKE_CUDA_ARCHITECTURES OFF)  # the flags below name them
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  if(AUGSYNTH_CUDA STREQUAL "ON")
    message(FATAL_ERROR "AUGSYNTH_CUDA is ON, but there is no nvcc that works: put it on the PATH, name it in CUDACXX, "
                        "or build with AUGSYNTH_CUDA=OFF")
  endif()
  message(STATUS "augsynth._native._cuda is not built: there is no nvcc that works")
  return()
endif()
set(CMAKE_CUDA_STANDARD 17)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
enable_language(CUDA)

set(targets)
foreach(architecture IN LISTS AUGSYNTH_CUDA_ARCHITECTURES)
  list(APPEND targets "-gencode=arch=compute_${architecture},code=sm_${architecture}")
endforeach()
list(GET AUGSYNTH_CUDA_ARCHITECTURES -1 last)
list(APPEND targets "-gencode=arch=compute_${last},code=compute_${last}")
list(JOIN AUGSYNTH_CUDA_ARCHITECTURES " " architectures_text)

# Contraction is off as on the CPU, so that both give the same bits.
file(GLOB cuda_sources CONFIGURE_DEPENDS csrc/cuda/*.cu csrc/cuda/*.cpp csrc/bindings/cuda/*.cpp)
pybind11_add_module(_cuda MODULE NO_EXTRAS ${cuda_sources}
  $<TARGET_OBJECTS:augsynth_shared>)
target_compile_options(_cuda PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:${targets};--fmad=false;--threads=4;-Xcompiler=-Wall,-Wextra>")
target_compile_definitions(_cuda PRIVATE
  AUGSYNTH_VERSION="${PROJECT_VERSION}"
  AUGSYNTH_CUDA_COMPILER="nvcc ${CMAKE_CUDA_COMPILER_VERSION}"
  AUGSYNTH_CUDA_ARCHITECTURES="${architectures_text}")
install(TARGETS _cuda LIBRARY DESTINATION augsynth/_native)
