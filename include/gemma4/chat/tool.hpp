// A function of the host that the model may call.
#pragma once

#include <functional>
#include <string>

#include <gemma4/chat/json_value.hpp>

namespace gemma4::inline v0
{
    struct tool_definition
    {
        std::string name;

        // As chat templates take it: {"type": "function", "function": {"name", "description", "parameters"}}.
        json_value declaration;

        // Arguments, an object, to the result. Without one the call is handed to the host. What it throws
        // becomes the result that the model reads.
        std::function<json_value(json_value const& arguments)> call;
    };
}
