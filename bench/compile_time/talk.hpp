// The program of the README for one variant.
#pragma once

#include <ostream>

#include <gemma4/gemma4.hpp>

template <gemma4::text_model M>
void talk(std::ostream& out)
{
    auto model = gemma4::load<M>("gemma-4");
    gemma4::session chat{model};
    for (auto piece : chat.ask("Why is the sky blue?")) { out << piece << std::flush; }
}
