// What a translation unit pays for the include alone.
#include <gemma4/gemma4.hpp>
