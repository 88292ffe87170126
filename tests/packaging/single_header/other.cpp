#include <gemma4.hpp>

std::size_t owners_elsewhere() { return 15; }    // 35 layers, 20 of them readers
