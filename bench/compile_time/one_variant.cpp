#include "talk.hpp"

template void talk<gemma4::e2b>(std::ostream&);
