// Where the weights of a model come from: a checkpoint folder or a GGUF file, under the names of the
// checkpoint.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/formats/weight_type.hpp>
#include <gemma4/layers/matrix.hpp>
#include <gemma4/spec/audio_config.hpp>
#include <gemma4/spec/vision_config.hpp>

namespace gemma4::inline v0
{
    // The weight trees of a model, each with a prefix of its own in a checkpoint.
    enum class weight_tree
    {
        text,                // model.language_model. or model.
        vision,              // model.vision_tower.
        vision_projector,    // model.embed_vision.
        audio,               // model.audio_tower.
        audio_projector      // model.embed_audio.
    };

    inline constexpr std::array<std::string_view, 5> weight_tree_names{"text", "vision", "vision_projector",
                                                                       "audio", "audio_projector"};

    // A tensor where it lies; valid as long as its source and `made`.
    struct stored_weight
    {
        std::byte const* data = nullptr;
        std::size_t bytes = 0;
        weight_type type{};
        weight_factors factors;    // of its rows
        std::string_view file;     // for errors
        std::string_view name;     // in that file
        // The memory of one that its file has in other pieces; null: it lies in the file.
        std::shared_ptr<void const> made{};
    };

    // Memory of tensors that do not lie in a file, by its address.
    using made_tensors = std::map<void const*, std::shared_ptr<void const>>;

    // What a source is asked to leave out of the list of tensors that nobody wanted.
    struct expected_leftovers
    {
        std::size_t layers = 0;    // of the decoder
        std::size_t owners = 0;    // layers from here on share keys and values: theirs may be there
        bool tied = true;          // a head beside the embedding is a copy
    };

    // A tensor of the files, for people.
    struct listed_tensor
    {
        std::string name;
        std::string type;    // the word of its file: BF16, Q4_K, ...
        std::vector<std::size_t> shape;
        std::size_t bytes = 0;
        std::byte const* data = nullptr;
    };

    class weight_source
    {
    public:
        virtual ~weight_source() = default;

        // The tensor `name` (after the prefix of its tree) of this shape. Throws mismatch_error where it is
        // missing, or of another shape, or of a type that no format reads, naming file and tensor.
        virtual stored_weight demand(weight_tree tree, std::string const& name,
                                     std::span<std::size_t const> shape) = 0;

        // experts.gate_up_proj (experts, 2 * expert_ffn, hidden): one tensor, or gate and up as two, each
        // (experts, expert_ffn, hidden). Errors as above.
        virtual std::vector<stored_weight> demand_halves(weight_tree tree, std::string const& name,
                                                         std::span<std::size_t const> shape) = 0;

        // Whether there is a tensor of this name.
        virtual bool has(weight_tree tree, std::string const& name) const = 0;

        // Tensors that were never demanded and are not expected leftovers, as a reader should see them.
        virtual std::vector<std::string> unknown(expected_leftovers const& expected) const = 0;

        // Everything in the files, whether wanted or not; names as unknown() gives them.
        virtual std::vector<listed_tensor> tensors() const { return {}; }

        // Bytes of a tensor are not needed for now (file_bytes::drop); memory that is no mapping of a file
        // stays as it is.
        virtual void drop(void const* /*data*/, std::size_t /*bytes*/) const noexcept {}

        // Of files that were read into memory instead of being mapped.
        virtual std::size_t read_bytes() const noexcept { return 0; }

        // Compares the numbers of a tower with those of a variant whose text model is `hidden` wide. Throws
        // mismatch_error for the first that differs.
        virtual void check(vision_config const&, std::size_t /*hidden*/, std::string_view /*variant*/) const
        {}
        virtual void check(audio_config const&, std::size_t /*hidden*/, std::string_view /*variant*/) const {}

        // Folder or file, for errors.
        virtual std::string where() const = 0;
    };
}
