// What the readers of a GGUF file's metadata share: keys of an architecture, values layer by layer.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/io/config.hpp>
#include <gemma4/io/gguf_file.hpp>
#include <gemma4/spec/text_config.hpp>

namespace gemma4::inline v0
{
    // Keys of one architecture: "block_count" is metadata gemma4.block_count. For variants of other
    // architectures as well.
    class gguf_fields
    {
    public:
        gguf_fields(gguf_metadata const& metadata, std::string_view architecture)
            : m_metadata(&metadata)
            , m_prefix(sentence(architecture, "."))
        {}

        // The architecture of the file: general.architecture.
        explicit gguf_fields(gguf_metadata const& metadata)
            : gguf_fields(metadata, metadata.text("general.architecture"))
        {}

        std::string key(std::string_view word) const { return m_prefix + std::string(word); }
        bool has(std::string_view word) const { return m_metadata->find(key(word)) != nullptr; }
        gguf_metadata const& metadata() const noexcept { return *m_metadata; }

        std::size_t size(std::string_view word) const { return m_metadata->size(key(word)); }
        std::size_t size(std::string_view word, std::size_t fallback) const
        {
            return m_metadata->size(key(word), fallback);
        }
        float number(std::string_view word) const { return m_metadata->number(key(word)); }
        float number(std::string_view word, float fallback) const
        {
            return m_metadata->number(key(word), fallback);
        }

        // One value for each layer; a single value counts for all of them.
        std::vector<std::size_t> sizes_by_layer(std::string_view word, std::size_t layers) const
        {
            if (!m_metadata->is_array(key(word))) { return std::vector<std::size_t>(layers, size(word)); }
            return by_layer(word, m_metadata->sizes(key(word)), layers);
        }

        std::vector<bool> flags_by_layer(std::string_view word, std::size_t layers) const
        {
            if (!m_metadata->is_array(key(word)))
            {
                return std::vector<bool>(layers, m_metadata->boolean(key(word)));
            }
            return by_layer(word, m_metadata->flags(key(word)), layers);
        }

    private:
        template <class T>
        std::vector<T> by_layer(std::string_view word, std::vector<T> values, std::size_t layers) const
        {
            if (values.size() != layers)
            {
                throw file_error(sentence(m_metadata->file(), ": metadata ", key(word), " has ",
                                          values.size(), " values, but ", key("block_count"), " is ",
                                          layers));
            }
            return values;
        }

        gguf_metadata const* m_metadata;
        std::string m_prefix;
    };

    namespace detail
    {
        struct gguf_text_fields
        {
            text_config text{};          // global_every is not derived yet
            std::vector<bool> global;    // (layers)
        };

        // The value that all layers with f(layer) share; `none` where there is none.
        template <class F>
        std::size_t common_value(gguf_fields const& fields, std::string_view word,
                                 std::vector<std::size_t> const& values, std::string_view kind,
                                 std::size_t none, F&& f)
        {
            std::size_t first = values.size();
            for (std::size_t l = 0; l != values.size(); ++l)
            {
                if (!f(l)) { continue; }
                if (first == values.size()) { first = l; }
                if (values[l] != values[first])
                {
                    throw mismatch_error(sentence(fields.metadata().file(), ": metadata ", fields.key(word),
                                                  "[", l, "] is ", values[l], ", but layer ", first,
                                                  ", also ", kind, ", has ", values[first]));
                }
            }
            return first == values.size() ? none : values[first];
        }

        inline std::size_t gguf_vocab(gguf_fields const& fields, gguf_file const& file)
        {
            if (fields.has("vocab_size")) { return fields.size("vocab_size"); }
            if (auto const* tokens = fields.metadata().find("tokenizer.ggml.tokens");
                tokens && tokens->is_array)
            {
                return tokens->count;
            }
            auto const* table = file.find("token_embd.weight");
            return table && table->rank == 2 ? table->extents[0]
                                             : fields.size("vocab_size");    // throws: missing
        }

        // A key whose value we can honour only where it equals another one.
        inline void require_equal(gguf_fields const& fields, std::string_view word, std::size_t expected,
                                  std::string_view other)
        {
            if (auto const found = fields.size(word, expected); found != expected)
            {
                throw mismatch_error(sentence(fields.metadata().file(), ": metadata ", fields.key(word),
                                              " is ", found, ", only ", expected, ", the value of ",
                                              fields.key(other), ", is supported"));
            }
        }

        // block_count.
        inline std::size_t gguf_layers(gguf_fields const& fields)
        {
            auto const layers = fields.size("block_count");
            if (layers == 0 || layers > max_layers)
            {
                throw file_error(sentence(fields.metadata().file(), ": metadata ", fields.key("block_count"),
                                          " is ", layers, ", expected 1 to ", max_layers));
            }
            return layers;
        }
    }
}
