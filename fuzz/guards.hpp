// What fuzz targets demand of the library.
#pragma once

#include <cstddef>
#include <cstdlib>

#include <gemma4/core/error.hpp>

// Of inputs that are text: the time for longer ones says nothing new.
inline constexpr std::size_t longest_text = std::size_t(1) << 16;

// Ends the program, which the fuzzer reports.
inline void require(bool condition)
{
    if (!condition) { std::abort(); }
}

// Runs the action, which may fail with an error of the library that says something, and in no other way.
template <class Action>
void attempt(Action&& action)
{
    try
    {
        action();
    }
    catch (gemma4::error const& e)
    {
        require(*e.what() != '\0');
    }
}
