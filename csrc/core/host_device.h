// Marks functions that CUDA compiles for both sides; other compilers see plain C++.
#pragma once

#ifdef __CUDACC__
#define AUGSYNTH_HD __host__ __device__
#else
#define AUGSYNTH_HD
#endif
