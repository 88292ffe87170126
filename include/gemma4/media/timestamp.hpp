// The text that tells the model when a video frame is shown.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>

#include <gemma4/core/error.hpp>

namespace gemma4::inline v0
{
    // "mm:ss": whole minutes and whole seconds, rounded down, at least two digits each ("100:07"). The
    // reference's f"{int(seconds // 60):02d}:{int(seconds % 60):02d}" in the arithmetic of Python's floats.
    // argument_error for a time that is negative, not finite or 2^53 and above.
    inline std::string timestamp(double seconds)
    {
        if (!(seconds >= 0 && seconds < 0x1p53))
        {
            throw argument_error(sentence("a video frame is at ", seconds, " seconds; expected 0 to 2^53"));
        }
        auto const rest = std::fmod(seconds, 60.0);
        // A whole number but for the division's rounding.
        auto const minutes = std::round((seconds - rest) / 60);
        auto const two_digits = [](double value)
        {
            auto const digits = std::to_string(std::uint64_t(value));
            return digits.size() < 2 ? "0" + digits : digits;
        };
        return two_digits(minutes) + ":" + two_digits(rest);
    }
}
