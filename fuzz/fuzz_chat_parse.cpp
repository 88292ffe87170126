// Any bytes as an answer: nothing is thrown, no marker gets into text, and the result does not depend on how
// it is cut.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "guards.hpp"

#include <gemma4/chat/answer_parser.hpp>
#include <gemma4/chat/parse_lines.hpp>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size == 0 || size > longest_text) { return 0; }
    auto const where = data[0] & 1u ? gemma4::starts_in::thought : gemma4::starts_in::content;
    std::size_t const step = 1 + (data[0] >> 1) % 7;
    std::string_view const text(reinterpret_cast<char const*>(data) + 1, size - 1);

    auto const whole = gemma4::read_answer(text, where);
    gemma4::answer pieces;
    gemma4::answer_parser parser(where);
    for (std::size_t at = 0; at < text.size(); at += step) { pieces.add(parser.push(text.substr(at, step))); }
    pieces.add(parser.finish());
    require(parser.stopped());
    require(gemma4::to_json(gemma4::to_json_value(pieces)) == gemma4::to_json(gemma4::to_json_value(whole)));
    require(gemma4::is_utf8(whole.content) && gemma4::is_utf8(whole.thinking));
    require(gemma4::python::strip(whole.content) == whole.content);
    for (auto const& call : whole.tool_calls)
    {
        require(!call.name.empty() && call.arguments.as_object());
        // What was read can be written and read as JSON.
        auto const json = gemma4::to_json(call.arguments);
        require(gemma4::to_json(gemma4::read_json_value(json, "fuzz")) == json);
    }
    return 0;
}
