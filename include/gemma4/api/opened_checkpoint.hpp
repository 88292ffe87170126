// What a checkpoint folder or a GGUF file holds whatever its variant: opened once, outside of every variant's
// machine code.
#pragma once

#include <filesystem>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/api/chat_format.hpp>
#include <gemma4/api/model_location.hpp>
#include <gemma4/core/error.hpp>
#include <gemma4/core/separate.hpp>
#include <gemma4/generate/generation_config.hpp>
#include <gemma4/io/file_bytes.hpp>
#include <gemma4/io/weight_source.hpp>
#include <gemma4/model/placeholder_tokens.hpp>
#include <gemma4/spec/text_config.hpp>
#include <gemma4/text/tokenizer.hpp>

namespace gemma4::inline v0
{
    class checkpoint;
    class gguf_file;
    class packed_file;

    // How a model is opened, whatever its variant.
    struct open_options
    {
        // The projector file (llama.cpp's mmproj) of a GGUF model, where its towers are a file of their own.
        std::filesystem::path mmproj{};
        // The chat template: the name of a published one (gemma4 templates), or of one of the model's own, a
        // file that holds a published one, or "none"; empty: as the model has it.
        std::string chat_template{};
        // Weights are mapped from their files: only what is used of them takes memory, and processes share
        // it. Nobody may shorten such a file as long as the model lives, for touching a page that is gone
        // ends the process (SIGBUS). file_access::read takes the memory of the whole files instead, and they
        // may be changed or removed once the model is loaded.
        file_access access = file_access::map;
        // Of all that is large: weights, keys and values, scratch. Outlives every engine and state.
        std::pmr::memory_resource* memory = std::pmr::get_default_resource();
    };

    struct opened_checkpoint
    {
        std::filesystem::path folder;              // or GGUF file; empty: random weights
        std::shared_ptr<checkpoint const> file;    // null: a GGUF file, or random weights
        std::shared_ptr<gguf_file const> gguf;     // null: no GGUF file
        std::shared_ptr<weight_source> weights;
        bool tied = true;                 // the head is the embedding
        std::size_t max_positions = 0;    // of a conversation; 0: as many as the variant has
        placeholder_tokens placeholders;
        std::optional<tokenizer> tokens;    // none: no tokenizer.json, or none in the GGUF file
        generation_config defaults;
        chat_format chat{};
        std::vector<std::string> warnings;    // one sentence each
    };

    // Opens a folder and checks its config.json and tokenizer.json against a variant. Throws file_error,
    // mismatch_error.
    GEMMA4_CODE opened_checkpoint open_checkpoint(std::filesystem::path const& folder,
                                                  text_config const& compiled, std::string_view variant,
                                                  open_options const& options = {});

    // The same of a GGUF file that was opened, any part of a split one. Without options.mmproj its towers are
    // in the same file (Ollama) or absent.
    GEMMA4_CODE opened_checkpoint open_gguf(std::shared_ptr<gguf_file const> file,
                                            text_config const& compiled, std::string_view variant,
                                            open_options const& options = {});

    // The same of a packed file that was opened (io/packed_file.hpp).
    GEMMA4_CODE opened_checkpoint open_packed(std::shared_ptr<packed_file const> file,
                                              text_config const& compiled, std::string_view variant,
                                              open_options const& options = {});

    // Opens what a path names (locate_model), with the projector file of its folder where options.mmproj is
    // empty. Throws as above, and argument_error for options.mmproj beside what holds its own towers.
    GEMMA4_CODE opened_checkpoint open_model(std::filesystem::path const& path, text_config const& compiled,
                                             std::string_view variant, open_options const& options = {});

    // The options for what was located, and what is to be said of it.
    GEMMA4_CODE open_options with_projector(open_options options, model_location const& location);
    GEMMA4_CODE void say_located(opened_checkpoint& opened, open_options const& options,
                                 model_location const& location);

    // Throws file_error where the model has none.
    GEMMA4_CODE tokenizer const& tokenizer_of(opened_checkpoint const& opened);

    GEMMA4_CODE std::string unknown_tensors_warning(opened_checkpoint const& opened,
                                                    std::span<std::string const> unknown,
                                                    std::string_view variant);
}

#if !defined(GEMMA4_SEPARATE_KERNELS)
#include <gemma4/api/opened_checkpoint_code.hpp>
#endif
