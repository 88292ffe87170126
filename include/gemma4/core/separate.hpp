// Where code that is the same for all variants is compiled.
//
// A header x.hpp with a file x_code.hpp beside it declares what that file defines. By default (headers only)
// x.hpp includes it and everything is inline. With GEMMA4_SEPARATE_KERNELS (set by the CMake target
// gemma4::kernels) x.hpp only declares: x_code.hpp is compiled once, into that library.
#pragma once

#if defined(GEMMA4_SEPARATE_KERNELS)
#define GEMMA4_CODE
#else
#define GEMMA4_CODE inline
#endif
