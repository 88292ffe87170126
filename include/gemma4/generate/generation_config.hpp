// generation_config.json of a checkpoint: its defaults for choosing tokens and stopping.
//
// Fields mean what they mean to transformers 5; one that is absent or null has transformers' default (top_k
// is 50 when sampling). A field that would change the text and that this library does not do is an error; all
// others are passed over (generate/sampling_fields.hpp).
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <gemma4/core/error.hpp>
#include <gemma4/core/separate.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/generate/sampling_options.hpp>
#include <gemma4/generate/stop.hpp>

namespace gemma4::inline v0
{
    struct generation_config
    {
        sampling_options sampling{};
        stop_options stop{};    // eos_token_id, stop_strings, max_new_tokens
        // Prompt and new tokens together; 0: not given. max_new_tokens goes before it.
        std::size_t max_length = 0;
        std::optional<token_id> bos{};
        std::optional<token_id> pad{};
        std::vector<std::string> warnings{};    // one sentence each
    };

    // `file` names the text in errors. file_error: not JSON, a wrong type, or a number out of range;
    // mismatch_error: a field that is not supported.
    GEMMA4_CODE generation_config parse_generation_config(std::string_view text, std::string_view file);

    // What config.json says where there is no generation_config.json: transformers then looks for the same
    // fields in it, and after that in its text_config. Errors as above.
    GEMMA4_CODE generation_config generation_config_of(nlohmann::json const& config, std::string_view file);

    // generation_config.json in a checkpoint's folder; none: there is no such file.
    GEMMA4_CODE std::optional<generation_config> read_generation_config(std::filesystem::path const& folder);
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/generate/generation_config_code.hpp>
#endif
