// What the command line says, one struct per command, and the values that need more than a number.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <variant>
#include <vector>

#include <gemma4/api/compute_policy.hpp>
#include <gemma4/core/dtype.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/core/types.hpp>
#include <gemma4/io/weight_precision.hpp>
#include <gemma4/media/image_size.hpp>

namespace gemma4::inline v0::cli
{
    // The command line cannot be understood (exit status 2).
    class usage_error : public error
    {
    public:
        using error::error;
    };

    // Of every command that loads a model. 0: the library's default.
    struct model_options
    {
        std::string model;
        std::string mmproj;           // a GGUF file
        std::string chat_template;    // open_options::chat_template
        std::size_t context = 0;
        std::size_t max_memory = 0;
        std::size_t threads = 0;
        std::optional<std::size_t> chunk;
        compute_mode compute = compute_mode::exact;    // commands that are used rather than compared: fast
        weight_precision weights = weight_precision::stored;
        std::optional<kv_type> kv;
        bool strict = false;
        bool no_mmap = false;
        std::size_t image_budget = default_image_budget;    // the largest that --max-memory must allow
    };

    // Media of a prompt, each kind in the order that it was given.
    struct media_options
    {
        std::vector<std::string> images, sounds, videos;
        std::optional<std::size_t> image_budget;    // soft tokens of an image at most; none: 280
        std::optional<std::size_t> video_budget;    // of a frame; none: 70

        bool empty() const noexcept { return images.empty() && sounds.empty() && videos.empty(); }
        std::size_t largest_budget() const
        {
            return std::max({default_image_budget, image_budget.value_or(0), video_budget.value_or(0)});
        }
        std::size_t size() const noexcept { return images.size() + sounds.size() + videos.size(); }
    };

    struct info_options
    {
        model_options model;
        bool json = false;
    };

    // What is not given is the checkpoint's default.
    struct run_options
    {
        model_options model;
        media_options media;
        std::optional<std::string> prompt;
        std::optional<std::size_t> max_tokens;    // 0: no limit
        std::optional<double> temperature;
        std::optional<std::size_t> top_k;
        std::optional<double> top_p;
        std::optional<double> min_p;
        std::optional<std::uint64_t> seed;
        std::optional<std::string> system;
        bool think = false;
        std::optional<std::size_t> thinking_budget;
        std::string tools;    // files; empty: none
        std::string schema;
        std::string save;
        std::string load;
    };

    struct tokenize_options
    {
        std::string model;
        bool bos = false;
    };

    struct detokenize_options
    {
        std::string model;
    };

    struct render_options
    {
        std::string model;            // empty: every request names its template, or chat_template is there
        std::string chat_template;    // open_options::chat_template
    };

    struct templates_options
    {
        bool json = false;
    };

    struct parse_options
    {};

    struct logits_options
    {
        model_options model;
        std::optional<std::string> tokens;
        std::optional<std::string> prompt;
        media_options media;
        std::string out;
        bool last = false;
    };

    enum class encode_stage
    {
        pixels,
        features,
        tower,
        projected
    };

    struct encode_command
    {
        model_options model;
        media_options media;    // one
        encode_stage stage = encode_stage::projected;
        std::string out;
    };

    struct generate_options
    {
        model_options model;
        std::optional<std::string> tokens;
        std::optional<std::string> prompt;
        std::optional<std::string> batch;
        media_options media;
        std::optional<std::size_t> max_tokens;    // none: until the context is full
        bool stop = false;
    };

    struct perplexity_options
    {
        model_options model;
        std::string file;
        std::size_t window = 512;
        std::size_t windows = 0;    // 0: all
        std::string kl_save;
        std::string kl_from;
        bool json = false;
    };

    struct pack_command
    {
        std::string model;
        std::string mmproj;    // a GGUF file
        std::string out;
        weight_precision weights = weight_precision::stored;
        std::size_t threads = 0;
        bool no_mmap = false;
    };

    struct bench_options
    {
        model_options model;    // model.model is empty where a variant is named
        std::string variant;
        dtype weights = dtype::bf16;
        std::size_t prompt_tokens = 512;
        std::size_t new_tokens = 32;
        std::size_t depth = 0;
        std::size_t batch = 1;
        std::size_t repeat = 3;
        std::size_t roof_bytes = std::size_t(1) << 30;
        std::optional<std::string> media;    // cases of eyes and ears; none: the text model
        bool json = false;
    };

    // --help of the program or of a command.
    struct help_text
    {
        std::string text;
    };

    using command =
        std::variant<help_text, info_options, run_options, tokenize_options, detokenize_options,
                     render_options, templates_options, parse_options, logits_options, generate_options,
                     perplexity_options, encode_command, pack_command, bench_options>;

    // Digits and nothing else. Throws usage_error.
    inline std::uint64_t parse_number(std::string_view text, std::string_view option)
    {
        std::uint64_t value = 0;
        auto const* const end = text.data() + text.size();
        auto const [rest, failed] = std::from_chars(text.data(), end, value);
        if (failed != std::errc() || rest != end)
        {
            throw usage_error(sentence(option, " is \"", text, "\", expected a whole number from 0"));
        }
        return value;
    }

    // Budgets are for media that are given, or (`images_may_come`, in a chat) may be. Throws usage_error.
    inline void demand_media_of_budgets(media_options const& o, bool images_may_come = false)
    {
        if (o.image_budget && o.images.empty() && !images_may_come)
        {
            throw usage_error("--image-budget is for --image, which is not given");
        }
        if (o.video_budget && o.videos.empty())
        {
            throw usage_error("--video-budget is for --video, which is not given");
        }
    }

    // A number of bytes: digits, and one of K M G T (or KiB, KB ...) for powers of 1024. Throws usage_error.
    inline std::size_t parse_bytes(std::string_view text, std::string_view option)
    {
        std::size_t value = 0;
        auto const* const end = text.data() + text.size();
        auto const [rest, failed] = std::from_chars(text.data(), end, value);
        std::string_view unit(rest, std::size_t(end - rest));
        std::size_t shift = 0;
        if (failed == std::errc() && !unit.empty())
        {
            auto const letter = std::string_view("KMGTkmgt").find(unit.front());
            shift = letter == std::string_view::npos ? 0 : 10 * (letter % 4 + 1);
            if (shift != 0) { unit.remove_prefix(1); }
            if (unit == "B" || (shift != 0 && unit == "iB")) { unit = {}; }
        }
        if (failed != std::errc() || !unit.empty()
            || value > (std::numeric_limits<std::size_t>::max() >> shift))
        {
            throw usage_error(
                sentence(option, " is \"", text, "\", expected a number of bytes such as 500M or 8G"));
        }
        return value << shift;
    }

    // Token ids with commas between them. Throws argument_error.
    inline std::vector<token_id> parse_tokens(std::string_view text, std::string_view option)
    {
        std::vector<token_id> ids;
        auto const* at = text.data();
        auto const* const end = at + text.size();
        for (;;)
        {
            while (at != end && *at == ' ') { ++at; }
            token_id id = 0;
            auto const [rest, failed] = std::from_chars(at, end, id);
            if (failed != std::errc() || id < 0)
            {
                throw argument_error(sentence(option, ": entry ", ids.size(),
                                              " is not a token id; expected a list such as 2,9259,1902"));
            }
            ids.push_back(id);
            at = rest;
            while (at != end && *at == ' ') { ++at; }
            if (at == end) { return ids; }
            if (*at != ',')
            {
                throw argument_error(sentence(option, ": entry ", ids.size() - 1, " is followed by '", *at,
                                              "', expected a comma"));
            }
            ++at;
        }
    }

    inline dtype parse_dtype(std::string_view text, std::string_view option)
    {
        if (text == "f32") { return dtype::f32; }
        if (text == "bf16") { return dtype::bf16; }
        if (text == "f16") { return dtype::f16; }
        throw usage_error(sentence(option, " is \"", text, "\", expected f32, bf16 or f16"));
    }
}
