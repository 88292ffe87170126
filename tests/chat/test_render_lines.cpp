// The streams of `gemma4 render`.
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include <gemma4/chat/render_lines.hpp>

namespace
{
    std::string rendered(std::string const& text, gemma4::chat_template const* format = nullptr)
    {
        std::istringstream in(text);
        std::ostringstream out;
        gemma4::render_lines(in, out, [&](bool) { return format; });
        return out.str();
    }
}

TEST_CASE("render_lines: one string or error a line")
{
    std::string const hi = R"("messages":[{"role":"user","content":"Say \"hi\"\u00e9"}])";
    auto const* const small = gemma4::find_chat_template("canonical-small");
    CHECK(rendered("{\"template\":\"launch\"," + hi + "}\n\n{" + hi + "}\n", small)
          == "\"<bos><|turn>user\\nSay \\\"hi\\\"é<turn|>\\n\"\n\"<bos><|turn>user\\nSay "
             "\\\"hi\\\"é<turn|>\\n\"\n");
    CHECK(rendered("{" + hi + "}")
          == "{\"error\": \"template is missing, and no model is given that has one\"}\n");
    CHECK(
        rendered("{\"template\":null," + hi + ",\"options\":{\"add_generation_prompt\":true}}",
                 gemma4::find_chat_template("canonical-large"))
        == "\"<bos><|turn>user\\nSay \\\"hi\\\"é<turn|>\\n<|turn>model\\n<|channel>thought\\n<channel|>\"\n");
    CHECK(
        rendered("{\"template\":\"other\"}").starts_with("{\"error\": \"chat template: other is not known"));
    CHECK(rendered("{\"template\":3}") == "{\"error\": \"template is an integer, expected a string\"}\n");
    CHECK(rendered("[]", small) == "{\"error\": \"the request is a list, expected an object\"}\n");
    CHECK(rendered("{", small).starts_with("{\"error\": \"line 1: not JSON"));
}
