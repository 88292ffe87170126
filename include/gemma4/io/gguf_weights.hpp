// A GGUF model, and the file of its eyes and ears, as a source of weights.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gemma4/core/error.hpp>
#include <gemma4/io/gguf_file.hpp>
#include <gemma4/io/gguf_tensors.hpp>
#include <gemma4/io/gguf_tower_config.hpp>
#include <gemma4/io/gguf_tower_names.hpp>
#include <gemma4/io/weight_source.hpp>

namespace gemma4::inline v0
{
    // Tensors stay where the files are mapped, except the few of a tower that GGUF stores otherwise: these
    // are made here, as float32.
    class gguf_weights final : public weight_source
    {
    public:
        // `towers`: the mmproj file; null: towers are in `file` (Ollama's one-file models) or nowhere.
        explicit gguf_weights(std::shared_ptr<gguf_file const> file,
                              std::shared_ptr<gguf_file const> towers = {})
            : m_file(std::move(file))
            , m_towers(towers ? std::move(towers) : m_file)
            , m_ollama(m_towers->find("mm.a.fc.weight") != nullptr)
            , m_text(*m_file)
        {}

        stored_weight demand(weight_tree tree, std::string const& name,
                             std::span<std::size_t const> shape) override
        {
            if (tree != weight_tree::text) { return demand_tower(tree, name, shape); }
            auto const source = m_text.demand(name, shape);
            if (source.count != 1)
            {
                throw mismatch_error(sentence(where(), ": tensor ", source.only().name, " is one of ",
                                              source.count, ", expected one for ", name));
            }
            return stored(source.parts[0], shape);
        }

        std::vector<stored_weight> demand_halves(weight_tree tree, std::string const& name,
                                                 std::span<std::size_t const> shape) override
        {
            if (tree != weight_tree::text) { return {demand_tower(tree, name, shape)}; }
            auto const source = m_text.demand(name, shape);
            std::vector<std::size_t> part(shape.begin(), shape.end());
            if (source.count == 2) { part[1] /= 2; }
            std::vector<stored_weight> found;
            for (std::size_t i = 0; i != source.count; ++i)
            {
                found.push_back(stored(source.parts[i], part));
            }
            return found;
        }

        bool has(weight_tree tree, std::string const& name) const override
        {
            if (tree == weight_tree::text) { return m_text.has(name); }
            auto const found = gguf_tower_tensor(tree, name, m_ollama);
            return found && m_towers->find(found->name);
        }

        std::vector<std::string> unknown(expected_leftovers const& expected) const override
        {
            return m_text.unknown(expected.owners);
        }

        std::vector<listed_tensor> tensors() const override
        {
            std::vector<listed_tensor> all;
            auto const list = [&](gguf_file const& file)
            {
                for (auto const& t : file.tensors())
                {
                    all.push_back({detail::shown(t.name),
                                   gemma4::name(t.type),
                                   {t.shape().begin(), t.shape().end()},
                                   t.bytes,
                                   t.data});
                }
            };
            list(*m_file);
            if (m_towers != m_file) { list(*m_towers); }
            return all;
        }

        void check(vision_config const& compiled, std::size_t hidden, std::string_view variant) const override
        {
            check_vision_config(compiled, hidden, variant, m_towers->metadata());
        }

        void check(audio_config const& compiled, std::size_t, std::string_view variant) const override
        {
            check_audio_config(compiled, variant, m_towers->metadata());
        }

        void drop(void const* data, std::size_t bytes) const noexcept override
        {
            for_each_file([&](file_bytes const& file) { file.drop(data, bytes); });
        }

        std::size_t read_bytes() const noexcept override
        {
            std::size_t all = 0;
            for_each_file([&](file_bytes const& file) { all += file.is_mapped() ? 0 : file.bytes().size(); });
            return all;
        }

        std::string where() const override { return m_file->path().string(); }

    private:
        template <class Visit>
        void for_each_file(Visit&& visit) const
        {
            for (std::size_t i = 0; i != m_file->parts(); ++i) { visit(m_file->part_file(i)); }
            if (m_towers == m_file) { return; }
            for (std::size_t i = 0; i != m_towers->parts(); ++i) { visit(m_towers->part_file(i)); }
        }

        stored_weight stored(gguf_source::part const& part, std::span<std::size_t const> shape) const
        {
            auto const& t = *part.values;
            stored_weight found{t.data, t.bytes, weight_type_of(t.type), {}, m_file->name_of(t), t.name};
            if (part.scale)
            {
                std::size_t rows = 1;
                for (auto const extent : shape.first(shape.size() - 1)) { rows *= extent; }
                std::span const factors(reinterpret_cast<float const*>(part.scale->data),
                                        part.scale->elements());
                for (float const factor : factors)
                {
                    if (std::isfinite(factor)) { continue; }
                    throw mismatch_error(sentence(m_file->name_of(*part.scale), ": tensor ", part.scale->name,
                                                  " holds ", factor, ", expected finite numbers"));
                }
                found.factors = {factors.data(), rows / factors.size()};
            }
            return found;
        }

        // Extents of 1 make no difference.
        static bool same_shape(std::span<std::size_t const> a, std::span<std::size_t const> b)
        {
            auto const without_ones = [](std::span<std::size_t const> shape)
            {
                std::vector<std::size_t> kept;
                std::ranges::copy_if(shape, std::back_inserter(kept), [](std::size_t n) { return n != 1; });
                return kept;
            };
            return without_ones(a) == without_ones(b);
        }

        stored_weight demand_tower(weight_tree tree, std::string const& name,
                                   std::span<std::size_t const> shape)
        {
            auto const wanted = gguf_tower_tensor(tree, name, m_ollama);
            auto const& file = m_towers->metadata().file();
            if (!wanted)
            {
                throw mismatch_error(sentence(file, ": a tensor like ", name, " has no name in GGUF files"));
            }
            auto const* t = m_towers->find(wanted->name);
            if (!t) { throw mismatch_error(sentence(file, ": tensor ", wanted->name, " is missing")); }
            auto const& where = m_towers->name_of(*t);
            if (!is_supported(t->type))
            {
                throw mismatch_error(sentence(where, ": tensor ", t->name, " is of type ",
                                              gemma4::name(t->type), ", which this library cannot read"));
            }
            auto expected = std::vector<std::size_t>(shape.begin(), shape.end());
            if (wanted->change == tower_change::patches && shape.size() == 2)
            {
                auto const side = std::size_t(std::sqrt(double(shape[1] / channels)));
                expected = {shape[0], channels, side, side};
            }
            if (!same_shape(expected, t->shape()))
            {
                throw mismatch_error(sentence(where, ": tensor ", t->name, " has shape ",
                                              detail::shape_text(t->shape()), ", expected ",
                                              detail::shape_text(expected)));
            }
            if (wanted->change == tower_change::none)
            {
                return {t->data, t->bytes, weight_type_of(t->type), {}, where, t->name};
            }
            auto& made = m_made[wanted->name];
            if (!made)
            {
                made = std::make_shared<std::vector<float> const>(changed(*t, wanted->change));
            }
            return {reinterpret_cast<std::byte const*>(made->data()),
                    made->size() * sizeof(float),
                    weight_type_of(dtype::f32),
                    {},
                    where,
                    t->name,
                    made};
        }

        std::vector<float> changed(gguf_tensor const& t, tower_change change) const
        {
            std::vector<float> from(t.elements());
            dequantise(t.type, t.data, from.size(), from.data());
            if (change == tower_change::softplus)
            {
                for (float& y : from)
                {
                    if (!(y > 0))
                    {
                        throw mismatch_error(sentence(m_towers->name_of(t), ": tensor ", t.name, " holds ", y,
                                                      ", expected positive numbers only"));
                    }
                    y = float(double(y) > 30 ? double(y) : std::log(std::expm1(double(y))));
                }
                return from;
            }
            auto const rows = t.extents[0];
            auto const pixels = from.size() / rows / channels;
            std::vector<float> to(from.size());
            for (std::size_t r = 0; r != rows; ++r)
            {
                for (std::size_t c = 0; c != channels; ++c)
                {
                    for (std::size_t p = 0; p != pixels; ++p)
                    {
                        to[(r * pixels + p) * channels + c] = from[(r * channels + c) * pixels + p];
                    }
                }
            }
            return to;
        }

        static constexpr std::size_t channels = 3;    // of a picture

        std::shared_ptr<gguf_file const> m_file;
        std::shared_ptr<gguf_file const> m_towers;
        bool m_ollama;
        gguf_tensors m_text;
        std::map<std::string, std::shared_ptr<std::vector<float> const>, std::less<>> m_made;
    };
}
