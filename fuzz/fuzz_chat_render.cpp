// Any bytes as a request, with every template: a text or an argument_error, never control tokens from
// content.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "guards.hpp"

#include <gemma4/chat/json_text.hpp>
#include <gemma4/chat/render.hpp>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size > longest_text) { return 0; }
    gemma4::json_value value;
    try
    {
        value = gemma4::read_json_value({reinterpret_cast<char const*>(data), size}, "fuzz");
    }
    catch (gemma4::argument_error const&)
    {
        return 0;
    }
    auto const json = gemma4::to_json(value);
    require(gemma4::to_json(gemma4::read_json_value(json, "fuzz")) == json);
    for (auto const& format : gemma4::known_chat_templates)
    {
        try
        {
            auto const segments = gemma4::render_segments(format, gemma4::read_chat_request(value));
            require(segments.front().text == "<bos>");
            for (auto const& segment : segments)
            {
                require(!segment.text.empty());
                bool const control =
                    segment.text.front() == '<' && segment.text.find('>') == segment.text.size() - 1;
                if (segment.kind == gemma4::segment_kind::control) { require(control); }
                if (segment.kind == gemma4::segment_kind::fixed)
                {
                    require(segment.text.find('<') == segment.text.npos);
                }
            }
        }
        catch (gemma4::argument_error const&)
        {}
    }
    return 0;
}
