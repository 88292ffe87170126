#include "talk.hpp"

template void talk<gemma4::e2b>(std::ostream&);
template void talk<gemma4::e4b>(std::ostream&);
template void talk<gemma4::a4b>(std::ostream&);
template void talk<gemma4::d31b>(std::ostream&);
