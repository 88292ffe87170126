// Lists of tools as vendors and protocols write them.
//
// Read, each with its parameters:
//   OpenAI     {"type": "function", "function": {name, description, parameters}}, the inner object alone, or
//              flat {"type": "function", name, description, parameters}
//   Anthropic  {name, description, input_schema}, also with "type": "custom"
//   MCP        {name, description, inputSchema}
//   Gemini     {"functionDeclarations": [{name, description, parameters or parametersJsonSchema}]}, or one of
//              these alone, names in camelCase or snake_case, types in upper case
//   Bedrock    {"toolSpec": {name, description, inputSchema: {"json": ...}}}
// as a list, one alone, {"tools": ...}, {"functions": ...}, or a reply of MCP's tools/list.
// Refused, by name: tools that only their vendor can run (web search, code execution, MCP servers), tools
// without a schema for their input, and members that would change what a tool does or are of no known form.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include <gemma4/chat/json_value.hpp>
#include <gemma4/chat/tool.hpp>
#include <gemma4/core/separate.hpp>

namespace gemma4::inline v0
{
    namespace detail
    {
        // Where a tool's parameters may stand.
        struct parameters_key
        {
            std::string_view key;
            bool demanded;    // a tool that has it cannot do without
        };
        inline constexpr std::array<parameters_key, 5> parameters_keys{{{"parameters", false},
                                                                        {"input_schema", true},
                                                                        {"inputSchema", true},
                                                                        {"parametersJsonSchema", true},
                                                                        {"parameters_json_schema", true}}};
    }

    // The tools as chat templates take them, without functions. `where` names the list in errors.
    // argument_error, one sentence that says which tool it is and what is wrong with it.
    GEMMA4_CODE std::vector<tool_definition> read_tool_list(json_value const& list, std::string_view where);
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/chat/tool_list_code.hpp>
#endif
